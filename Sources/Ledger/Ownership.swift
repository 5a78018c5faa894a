public import Sales

/// Where a partition stands in the ledger.
public struct Ownership: Hashable, Sendable {
    public let partition: Partition
    /// The newest fence; whoever holds it may commit.
    public let fence: Fence
    /// Number of the last batch, 0 if there is none.
    public let batch: Int64
    /// Sequence of the last entry, 0 if there is none.
    public let last: Int64
    /// Digest of the last batch's seal; nil if it has none, and where nobody asked for it.
    public let digest: Digest?

    public init(partition: Partition, fence: Fence, batch: Int64, last: Int64, digest: Digest? = nil) {
        self.partition = partition
        self.fence = fence
        self.batch = batch
        self.last = last
        self.digest = digest
    }
}
