public import Ledger
public import Notifications
import Wire

/// A message that was given up.
public struct DeadLetter: Sendable {
    public let event: String
    /// `mail`, `sms`, or `event` for an item of the stream that cannot be read.
    public let channel: String
    public let sale: Int64
    public let buyer: Int64
    public let occasion: String
    public let order: String
    public let tries: Int
    public let reason: String
    public let since: CivilTime
}

/// The dead letters of a ledger, for the command line. Blocks.
public struct DeadLetters {
    public enum Change: Sendable {
        case retry
        case drop
    }

    private let store: Store

    public init(ledger: String) { store = Store(dsn: ledger, name: "stampede-dead-letters") }

    /// The oldest.
    public func list(atMost limit: Int) throws(LedgerError) -> [DeadLetter] {
        try store.deadLetters(atMost: limit)
    }

    /// Sends the dead letters of an event again, or of all, or ends them for good; returns how many.
    public func change(_ change: Change, event: String?) throws(LedgerError) -> Int {
        try store.change(change, event: event)
    }

    /// What waits: by channel, with the age of the oldest that could be sent now; and dead letters.
    public func summary() throws(LedgerError) -> Summary {
        let counts = try store.counts()
        return Summary(
            channels: Channel.allCases.map {
                let due = counts.due[$0]
                return (
                    channel: $0, due: due?.count ?? 0, oldestMilliseconds: due?.oldest.milliseconds ?? 0
                )
            }, waiting: counts.waiting, dead: counts.dead)
    }

    public struct Summary {
        public let channels: [(channel: Channel, due: Int, oldestMilliseconds: Int64)]
        /// Events that wait for their buyer's contact.
        public let waiting: Int
        public let dead: Int
    }
}
