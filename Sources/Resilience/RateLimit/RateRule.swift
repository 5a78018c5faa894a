public import Wire

/// So many in a time, and so many of them at once.
///
/// Measured by the generic cell rate algorithm (ATM Forum, "Traffic Management Specification 4.0", 1996; as redis-cell
/// has it): one number per key, the theoretical arrival time (TAT), at which the key has used up all that it was given.
/// There are no windows, so no edge of one at which twice the rate passes.
public struct RateRule: Hashable, Sendable {
    /// What happens while the place where rates are shared cannot be asked.
    public enum Fallback: Hashable, Sendable {
        /// Each process lets its share pass by its own memory, of so many processes.
        case share(of: Int)
        /// Better too many than none.
        case allow
        /// Better none than too many.
        case refuse
    }

    /// Calls per period.
    public let count: Int
    public let period: TimeAmount
    /// Calls that may come at once after a pause.
    public let burst: Int
    public let fallback: Fallback

    /// - Parameters:
    ///   - count: at most one in a microsecond, which is as exact as a Redis server's clock.
    ///   - burst: the count, when left out.
    public init(
        _ count: Int, per period: TimeAmount, burst: Int? = nil, fallback: Fallback = .share(of: 1)
    ) {
        self.count = count
        self.period = period
        self.burst = burst ?? count
        self.fallback = fallback
        precondition(count > 0 && self.burst > 0, "a rule that lets nothing pass is no rate")
        precondition(
            period.microseconds >= Int64(count),
            "\(count) per \(period.microseconds) us is over one in a microsecond")
        if case .share(let processes) = fallback {
            precondition(processes > 0, "a share of \(processes) processes")
        }
    }

    /// Between two calls at an even rate.
    public var interval: TimeAmount { period / count }
    /// How far the TAT may be ahead.
    public var tolerance: TimeAmount { interval * burst }

    /// What one process of several may use: at least one call at a time.
    public func share(of processes: Int) -> RateRule {
        RateRule(
            count, per: period * processes, burst: max(1, burst / processes), fallback: fallback)
    }
}

/// What a rate limiter says of a call.
public struct RateDecision: Hashable, Sendable {
    public var isAllowed: Bool
    /// Calls that would pass now.
    public var remaining: Int
    /// Zero when it is allowed.
    public var retryAfter: TimeAmount
    /// After this nothing of the key's past counts.
    public var resetAfter: TimeAmount

    public init(isAllowed: Bool, remaining: Int, retryAfter: TimeAmount, resetAfter: TimeAmount) {
        self.isAllowed = isAllowed
        self.remaining = remaining
        self.retryAfter = retryAfter
        self.resetAfter = resetAfter
    }

    /// Of several rules for one call: the strictest.
    public func and(_ other: RateDecision) -> RateDecision {
        RateDecision(
            isAllowed: isAllowed && other.isAllowed, remaining: min(remaining, other.remaining),
            retryAfter: max(retryAfter, other.retryAfter), resetAfter: max(resetAfter, other.resetAfter))
    }
}

/// Takes from one key's rate. A call may make several claims, of which all hold or none.
public struct RateClaim: Hashable, Sendable {
    public let key: String
    public let rule: RateRule
    /// How many calls it counts as.
    public let cost: Int

    public init(_ key: String, _ rule: RateRule, cost: Int = 1) {
        precondition(
            (1...rule.burst).contains(cost), "a call of \(cost) never fits into a burst of \(rule.burst)")
        self.key = key
        self.rule = rule
        self.cost = cost
    }
}

/// Something that decides about rates: by the memory of one process, or by one that many share.
public protocol RateDeciding: Sendable {
    /// All claims hold, or none takes anything. Each key once.
    func decide(_ claims: [RateClaim]) async -> RateDecision
}
