import Wire

/// A call as the core sees it: where it is, and what is known of its attempts. No bytes.
struct Call: Sendable {
    enum State: Hashable, Sendable {
        /// The slot is free. Becomes `waiting` or `assigned`.
        case free
        /// No session is up. Becomes `assigned` when one is, or ends.
        case waiting
        /// An attempt failed. Becomes `assigned` or `waiting` at `retryAt`, or ends.
        case backingOff
        /// Given to a session whose socket has not taken it yet. Becomes `sent` or `waiting`.
        case assigned
        /// The socket has taken it: from here on it may run. Ends, or becomes `backingOff`.
        case sent
    }

    var state = State.free
    var generation: UInt64 = 0
    /// Attempts begun.
    var attempts: UInt8 = 0
    var maximumAttempts: UInt8 = 1
    /// An attempt may be followed by another although it may have run.
    var isRepeatable = false
    /// An attempt may have run. Sticky: a later refusal speaks of its own attempt only.
    var mayHaveRun = false
    /// The broker of the newest attempt.
    var broker: Int?
    /// The only broker that may be asked.
    var pin: Int?
    var deadline = MonotonicTime.distantFuture
    var retryAt = MonotonicTime.distantPast
    /// What the newest failed attempt said.
    var failure: Ending?

    func id(slot: Int) -> CallID { CallID(generation: generation, slot: slot, attempt: attempts) }

    /// What is known about the whole call when its newest attempt ended with `certainty`.
    func certainty(_ certainty: Certainty) -> Certainty { mayHaveRun ? .maybeExecuted : certainty }
}
