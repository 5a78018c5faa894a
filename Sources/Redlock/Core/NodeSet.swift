/// A set of nodes by number, without an allocation.
struct NodeSet: Hashable {
    /// How many nodes there may be.
    static let limit = 64

    private var bits: UInt64 = 0

    var count: Int { bits.nonzeroBitCount }
    func contains(_ node: Int) -> Bool { bits & (1 << UInt64(node)) != 0 }
    mutating func insert(_ node: Int) { bits |= 1 << UInt64(node) }
    mutating func remove(_ node: Int) { bits &= ~(1 << UInt64(node)) }
}
