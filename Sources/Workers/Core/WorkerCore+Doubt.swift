package import Wire

extension WorkerCore {
    /// A node may have ended leases early, so all that are held are extended now: that shows whether enough of the
    /// others still know them, and gives them to the node anew.
    package mutating func verifyLeases(_ now: MonotonicTime) {
        for partition in partitions.indices where partitions[partition].lease != nil {
            partitions[partition].renewAt = min(partitions[partition].renewAt, now)
        }
    }
}
