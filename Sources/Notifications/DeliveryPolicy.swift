public import Resilience
public import Wire

/// How one attempt to hand a message over ended. Reasons are made of our own words and codes, never of what a server
/// wrote, which often repeats the address.
public enum DeliveryOutcome: Hashable, Sendable {
    /// Taken by the server. The reference is the server's name for it, if it gave one.
    case taken(reference: String?)
    /// The server can do nothing now; after at least so long it may, if it said so.
    case busy(String, after: TimeAmount? = nil)
    /// The server is well, but will not take this one now, such as for a mailbox that is full.
    case refusedForNow(String)
    /// Nobody was reached, or nobody who knows us: nothing was sent.
    case unreachable(String)
    /// It was under way when the connection ended: taken or not, nobody knows.
    case unknown(String)
    /// It will never work.
    case refused(String)
}

/// What to do with a message after an attempt: when to try again, and when to stop.
public struct DeliveryPolicy: Hashable, Sendable {
    public var backoff = Backoff(base: .seconds(2), ceiling: .seconds(600))
    /// Attempts that a server answered, or that ended without one. Those that reached nobody are bounded by the
    /// message's age only, so that a long outage buries nothing.
    public var attempts = 12
    /// An older event is told to nobody: the news is none any more.
    public var maximumAge = TimeAmount.seconds(86_400)
    /// What a server may ask to wait for at most.
    public var longestWait = TimeAmount.seconds(3_600)

    public init() {}

    public enum Step: Hashable, Sendable {
        case done(reference: String?)
        /// Try again after this; `counts` says whether one of the attempts is used up.
        case again(after: TimeAmount, reason: String, counts: Bool)
        case deadLetter(reason: String)
    }

    /// - Parameters:
    ///   - failed: attempts used up before this one.
    ///   - age: of the event, now.
    ///   - random: 64 uniform bits.
    public func step(
        after outcome: DeliveryOutcome, failed: Int, age: TimeAmount, random: UInt64
    ) -> Step {
        switch outcome {
        case .taken(let reference): return .done(reference: reference)
        case .refused(let reason): return .deadLetter(reason: reason)
        case .refusedForNow(let reason): return retry(reason, failed + 1, true, age, atLeast: .zero, random)
        case .busy(let reason, let after):
            return retry(reason, failed + 1, true, age, atLeast: after ?? .zero, random)
        case .unknown(let reason): return retry(reason, failed + 1, true, age, atLeast: .zero, random)
        case .unreachable(let reason): return retry(reason, failed + 1, false, age, atLeast: .zero, random)
        }
    }

    private func retry(
        _ reason: String, _ failures: Int, _ counts: Bool, _ age: TimeAmount, atLeast: TimeAmount,
        _ random: UInt64
    ) -> Step {
        if counts, failures >= attempts { return .deadLetter(reason: "\(reason), \(attempts) times") }
        // Full jitter may draw next to nothing; a fifth of a second keeps that from a busy loop.
        let drawn = max(.milliseconds(200), backoff.wait(after: failures, random: random))
        let wait = max(drawn, min(atLeast, longestWait))
        guard age + wait < maximumAge else { return .deadLetter(reason: "\(reason), until it was too old") }
        return .again(after: wait, reason: reason, counts: counts)
    }
}
