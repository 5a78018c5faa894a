public import Wire

/// Keeps callers away from a dependency that fails: closed, open, half-open, recovering.
///
/// A value without a clock: times and random numbers come in. After Nygard, "Release It!", with the two
/// additions that Polly and resilience4j lack by default: a jittered open time and a ramp on recovery.
public struct CircuitBreaker: Sendable {
    /// What the breaker does with a call.
    public enum Admission: Hashable, Sendable {
        case admitted
        /// Refused at once; worth trying again after this.
        case refused(retryAfter: TimeAmount)
    }

    private enum State: Sendable {
        /// Everything passes. Becomes `open` after `threshold` failures in a row.
        case closed(failures: Int)
        /// Nothing passes until then. Becomes `halfOpen`.
        case open(until: MonotonicTime)
        /// Probes pass, calls do not. Becomes `recovering` or `open`.
        case halfOpen
        /// A growing share passes. Becomes `closed` or `open`.
        case recovering(since: MonotonicTime, credit: Double)
    }

    /// Failures in a row that open it.
    public static let threshold = 3
    /// The shortest and longest time that it stays open before a probe.
    public static let openTime = (least: TimeAmount.milliseconds(250), most: TimeAmount.milliseconds(500))
    /// How long it takes from the first success to full admission.
    public static let ramp = TimeAmount.seconds(1)

    private var state = State.closed(failures: 0)

    public init() {}

    public var isClosed: Bool {
        if case .closed = state { return true }
        return false
    }

    /// Asks before a call.
    public mutating func admit(_ now: MonotonicTime) -> Admission {
        switch state {
        case .closed:
            return .admitted
        case .open(let until):
            if now >= until { state = .halfOpen }
            return .refused(retryAfter: max(.milliseconds(50), until - now))
        case .halfOpen:
            return .refused(retryAfter: CircuitBreaker.openTime.least)
        case .recovering(let since, let credit):
            let share = Double((now - since).nanoseconds) / Double(CircuitBreaker.ramp.nanoseconds)
            guard share < 1 else {
                state = .closed(failures: 0)
                return .admitted
            }
            // A tenth from the start, then in proportion: of ten calls at half time every second one passes.
            let earned = credit + max(0.1, share)
            state = .recovering(since: since, credit: earned >= 1 ? earned - 1 : earned)
            return earned >= 1 ? .admitted : .refused(retryAfter: .milliseconds(100))
        }
    }

    /// True when a probe is due: the breaker is open and its time has passed.
    public mutating func wantsProbe(_ now: MonotonicTime) -> Bool {
        switch state {
        case .open(let until):
            guard now >= until else { return false }
            state = .halfOpen
            return true
        case .halfOpen:
            return true
        case .closed, .recovering:
            return false
        }
    }

    /// A call or probe succeeded.
    public mutating func succeeded(_ now: MonotonicTime) {
        switch state {
        case .closed:
            state = .closed(failures: 0)
        case .open, .halfOpen:
            state = .recovering(since: now, credit: 0)
        case .recovering:
            break
        }
    }

    /// A call or probe failed in a way that says something of the dependency's health.
    public mutating func failed(_ now: MonotonicTime, random: UInt64) {
        switch state {
        case .closed(let failures) where failures + 1 < CircuitBreaker.threshold:
            state = .closed(failures: failures + 1)
        case .open:
            break
        case .closed, .halfOpen, .recovering:
            open(now, random: random)
        }
    }

    /// The connection itself is gone: no need to count.
    public mutating func trip(_ now: MonotonicTime, random: UInt64) {
        if case .open = state { return }
        open(now, random: random)
    }

    private mutating func open(_ now: MonotonicTime, random: UInt64) {
        let (least, most) = CircuitBreaker.openTime
        let jitter = Int64(random % UInt64((most - least).nanoseconds + 1))
        state = .open(until: now + least + TimeAmount(nanoseconds: jitter))
    }
}
