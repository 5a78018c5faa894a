public import Ledger
public import Resilience

/// Somebody who is told events. Belongs to one thread, and may block it.
public protocol Sink: AnyObject {
    /// Hands the events over, and returns when all of them have been taken for good, or refused for good.
    ///
    /// Events of one subject arrive in their order. After an error any of them may have arrived; all are told again.
    ///
    /// - Returns: what was refused for good.
    func publish(_ events: [Event]) throws(SinkError) -> [RelayDeadLetter]

    /// Writes the events in the transaction that moves the cursors, for sinks in the ledger's own database.
    func record(_ events: [Event], in ledger: RelayLedger) throws(LedgerError)

    /// Tells again what was refused for good, because an operator asked for it.
    ///
    /// - Returns: what was refused once more.
    func redeliver(_ letters: [RelayDeadLetter]) throws(SinkError) -> [RelayDeadLetter]

    /// Keeps connections alive while there is nothing to tell.
    func idle()
}

extension Sink {
    public func record(_ events: [Event], in ledger: RelayLedger) throws(LedgerError) {}
    public func redeliver(_ letters: [RelayDeadLetter]) throws(SinkError) -> [RelayDeadLetter] { letters }
    public func idle() {}
}

/// Why a sink did not take events.
public struct SinkError: Error, Equatable, CustomStringConvertible {
    /// One sentence that says what happened and what to do.
    public let message: String
    /// What a breaker learns of it.
    public let outcome: CircuitBreaker.Outcome

    public init(_ message: String, _ outcome: CircuitBreaker.Outcome = .failure) {
        self.message = message
        self.outcome = outcome
    }

    public var description: String { message }
}
