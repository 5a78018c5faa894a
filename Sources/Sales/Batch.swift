/// One partition's share of a transaction: what its owner decided since the last one.
public struct Batch: Equatable, Sendable {
    public var partition: Partition
    /// The fence under which it was decided. The ledger refuses any other than its newest.
    public var fence: Fence
    /// The partition's batch number, from 1, without gaps. Tells after a lost connection whether it committed.
    public var number: Int64
    /// In order of their sequence.
    public var entries: [Entry]
    /// Nil until its entries are final: the ledger takes no batch without.
    public var seal: Seal?

    public init(partition: Partition, fence: Fence, number: Int64, entries: [Entry] = [], seal: Seal? = nil) {
        self.partition = partition
        self.fence = fence
        self.number = number
        self.entries = entries
        self.seal = seal
    }
}
