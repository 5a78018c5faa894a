public import Wire

/// The rates of many keys, in the memory of one process.
///
/// Bounded: a key whose past no longer counts is forgotten when room is needed, and the keys for which there is none
/// share one rate. A value without a clock, for one thread.
public struct RateLimiter: Sendable {
    /// Keys with a past.
    public let capacity: Int
    private var arrivals: [String: MonotonicTime] = [:]
    /// Of all keys that found no room.
    private var strangers = MonotonicTime.distantPast
    private var mayForget = MonotonicTime.distantPast

    /// How often all keys are looked at for those that can be forgotten, at most.
    private static var forgetInterval: TimeAmount { .milliseconds(100) }

    /// - Parameter capacity: keys at a time.
    public init(capacity: Int = 65_536) {
        precondition(capacity > 0, "a limiter of \(capacity) keys")
        self.capacity = capacity
    }

    /// How many keys are remembered.
    public var count: Int { arrivals.count }

    /// Decides about one key.
    public mutating func decide(
        _ key: String, _ rule: RateRule, cost: Int = 1, _ now: MonotonicTime
    ) -> RateDecision {
        // Hashed once: that is most of the work.
        if let known = arrivals.index(forKey: key) {
            let (decision, next) = Self.decide(max(arrivals.values[known], now), rule, cost, now)
            if decision.isAllowed { arrivals.values[known] = next }
            return decision
        }
        let (decision, next) = Self.decide(max(strange(now), now), rule, cost, now)
        guard decision.isAllowed else { return decision }
        if arrivals.count < capacity { arrivals[key] = next } else { strangers = next }
        return decision
    }

    /// What keys without a past begin with: nothing, or what all share for whom there is no room.
    private mutating func strange(_ now: MonotonicTime) -> MonotonicTime {
        guard arrivals.count >= capacity else { return now }
        if now >= mayForget {
            mayForget = now + Self.forgetInterval
            arrivals = arrivals.filter { $0.value > now }
        }
        return arrivals.count < capacity ? now : strangers
    }

    /// The algorithm: the TAT moves on by an interval per call, unless it came too far ahead.
    private static func decide(
        _ arrival: MonotonicTime, _ rule: RateRule, _ cost: Int, _ now: MonotonicTime
    ) -> (RateDecision, next: MonotonicTime) {
        let next = arrival + rule.interval * cost
        let wait = next - rule.tolerance - now
        let isAllowed = wait <= .zero
        let reached = isAllowed ? next : arrival
        let left = (now + rule.tolerance - reached).nanoseconds / rule.interval.nanoseconds
        let decision = RateDecision(
            isAllowed: isAllowed, remaining: max(0, Int(left)), retryAfter: max(.zero, wait),
            resetAfter: reached - now)
        return (decision, next)
    }

    /// Decides about several keys together: all claims hold, or none takes anything. Each key once.
    public mutating func decide(_ claims: [RateClaim], _ now: MonotonicTime) -> RateDecision {
        var all: RateDecision?
        for claim in claims {
            let arrival = max(arrivals[claim.key] ?? strange(now), now)
            let decision = Self.decide(arrival, claim.rule, claim.cost, now).0
            all = all?.and(decision) ?? decision
        }
        guard let all else { preconditionFailure("a decision without a claim") }
        guard all.isAllowed else { return all }
        for claim in claims { _ = decide(claim.key, claim.rule, cost: claim.cost, now) }
        return all
    }
}
