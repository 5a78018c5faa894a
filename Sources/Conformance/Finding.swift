/// What one check of an examination came to.
public struct Finding: Sendable, Hashable {
    /// The part of `PROTOCOL.md` that it is about.
    public var section: String
    /// What ought to hold, as a sentence without its stop.
    public var rule: String
    public var outcome: Outcome

    public enum Outcome: Sendable, Hashable {
        case passed
        /// What was seen instead.
        case failed(String)
        /// Why it could not be judged.
        case notSeen(String)
    }

    public init(_ section: String, _ rule: String, _ outcome: Outcome) {
        self.section = section
        self.rule = rule
        self.outcome = outcome
    }

    public var isFailure: Bool { if case .failed = outcome { true } else { false } }
}

/// Why a check failed: what was seen instead of what ought to be.
struct Mismatch: Error {
    let seen: String
    init(_ seen: String) { self.seen = seen }
}

/// Fails a check unless something holds.
func expect(_ holds: Bool, _ seen: @autoclosure () -> String) throws(Mismatch) {
    guard holds else { throw Mismatch(seen()) }
}
