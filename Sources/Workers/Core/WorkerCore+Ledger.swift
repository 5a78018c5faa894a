import Sales
package import Wire

extension WorkerCore {
    /// A connection to the ledger is gone.
    package mutating func ledgerLost(_ purpose: LedgerBreakers.Purpose, _ now: MonotonicTime) {
        isLedgerReady = false
        breakers.lost(purpose, now)
    }

    /// The ledger knows less than it did: an older state was restored in its place.
    mutating func ledgerWentBack(_ partition: Partition, _ now: MonotonicTime) {
        effects.append(.note(.wentBack(partition)))
        incarnationChanged(now)
    }
}
