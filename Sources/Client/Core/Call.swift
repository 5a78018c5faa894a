import Wire

/// A call as the core sees it: where it is, and what is known of its attempts. No bytes.
struct Call: Sendable {
    enum State: Hashable, Sendable {
        /// The slot is free. Becomes `waiting` or `open`.
        case free
        /// No session is up. Becomes `open` when one is, or ends.
        case waiting
        /// An attempt failed. Becomes `open` or `waiting` at `retryAt`, or ends.
        case backingOff
        /// An attempt is open, or two of a hedged call. Ends, or becomes `backingOff` or `waiting`.
        case open
    }

    var state = State.free
    /// Attempts begun.
    var attempts: UInt8 = 0
    var maximumAttempts: UInt8 = 1
    /// An attempt may be followed by another although it may have run.
    var isRepeatable = false
    /// An attempt may have run. Sticky: a later refusal speaks of its own attempt only.
    var mayHaveRun = false
    /// A broker could not reach the owner of the key: worth remembering who then could.
    var hadOwnerTrouble = false
    /// What the latency of this method is learned from.
    var isMeasured = false
    /// The attempt that the call rests on.
    var attempt = Attempt()
    /// The second attempt of a hedged call, beside the first.
    var hedge = Attempt()
    /// The broker of the newest attempt, -1 before the first.
    var lastBroker: Int32 = -1
    /// The only broker that may be asked, -1 for any.
    var pin: Int32 = -1
    var generation: UInt64 = 0
    var deadline = MonotonicTime.distantFuture
    var begunAt = MonotonicTime.distantPast
    var retryAt = MonotonicTime.distantPast
    /// When a second attempt begins beside the first; nil when it has, or never does.
    var hedgeAt: MonotonicTime?
    /// From the first attempt on.
    var hedgeDelay: TimeAmount?
    var method = MethodID(rawValue: 0)
    var key: BrokerMemory.Key?
    /// Nil for a unary call.
    var stream: StreamFlow?
    /// What the newest failed attempt said, or the one that was executed.
    var failure: Ending?

    /// The name of an attempt on the wire.
    func id(slot: Int, attempt: UInt8) -> CallID {
        CallID(generation: generation, slot: slot, attempt: attempt)
    }

    /// An attempt was taken by a socket and has not been answered.
    var isSent: Bool { attempt.state == .sent || hedge.state == .sent }

    /// What is known about the whole call when its newest attempt ended with `certainty`.
    func certainty(_ certainty: Certainty) -> Certainty { mayHaveRun ? .maybeExecuted : certainty }
}
