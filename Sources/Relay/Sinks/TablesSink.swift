public import Ledger

/// Keeps the tables `stampede.orders` and `stampede.buyers`, in the transaction that moves its cursor: each entry counts
/// exactly once.
public final class TablesSink: Sink {
    public init() {}

    public func publish(_ events: [Event]) throws(SinkError) -> [RelayDeadLetter] { [] }

    public func record(_ events: [Event], in ledger: RelayLedger) throws(LedgerError) {
        let changes = TableChanges(events)
        try ledger.write(changes.orders, changes.buyers)
    }
}
