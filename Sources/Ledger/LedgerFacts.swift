public import Sales

/// What a connection has found out about the ledger before it calls itself ready.
public struct LedgerFacts: Sendable, Equatable {
    public let incarnation: Incarnation
    /// How many partitions there are. Fixed when the ledger was made.
    public let partitions: Int
    /// Which function maps keyed work to a partition. Fixed when the ledger was made.
    public let hash: String
    /// False while no fence was ever taken: a new cluster, where no lease can be left over.
    public let anyFence: Bool
    /// False while no service ever took a lock.
    public let anyLock: Bool

    public init(
        incarnation: Incarnation, partitions: Int, hash: String, anyFence: Bool, anyLock: Bool = true
    ) {
        self.incarnation = incarnation
        self.partitions = partitions
        self.hash = hash
        self.anyFence = anyFence
        self.anyLock = anyLock
    }
}
