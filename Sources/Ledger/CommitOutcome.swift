public import Sales

/// How a transaction ended. Only `unknown` leaves open whether it was written.
public enum CommitOutcome: Sendable {
    /// It is durable; the ledger's clock said this, and `batches.at` holds the same.
    case committed(at: LedgerTime)
    /// Nothing was written: these partitions have a newer fence or another batch. Renew their fences to learn
    /// which, and decide the rest again without them.
    case fenced([Partition])
    /// Nothing was written: in these partitions a decision is over 5 s old, or over 100 ms ahead of the
    /// ledger's clock. Decide again, with a fresh estimate of the clock.
    case stale([Partition])
    /// Nothing was written: some entry breaks a constraint or cannot be stored (SQLSTATE class 22 or 23).
    /// Halve the batches to find it.
    case refused(LedgerError)
    /// Nothing was written: the server could not just now (53…, 40…, 57014, 55P03), or was never asked.
    case failed(LedgerError)
    /// The connection ended or fell silent after the transaction was sent. It may have been written or not,
    /// and it may even still run: renew the fences on a new connection to end it and learn which.
    case unknown(LedgerError)
}
