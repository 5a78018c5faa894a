/// What a keyed call is routed by: the sale and its lane.
public struct RoutingKey: Hashable, Sendable {
    public var sale: Int64
    public var lane: Int16

    public init(sale: Int64, lane: Int16) {
        self.sale = sale
        self.lane = lane
    }

    /// The name under which the ledger stores the hash; a cluster never mixes two.
    public static let hashName = "splitmix64-v1"

    /// The partition of this key, `0 ..< partitions`.
    ///
    /// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over sale and lane, then Lemire's
    /// multiply-and-shift instead of a division. Stored sales depend on it: it must never change.
    public func partition(of partitions: Int) -> Int {
        var hash = UInt64(bitPattern: sale) &+ UInt64(UInt16(bitPattern: lane)) &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        return Int(hash.multipliedFullWidth(by: UInt64(partitions)).high)
    }
}
