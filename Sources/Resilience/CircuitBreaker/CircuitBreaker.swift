public import Wire

/// Keeps callers away from a dependency that fails: closed, open, half-open, recovering.
///
/// A value without a clock: times come in, and a seed at the start. After Nygard, "Release It!" (2007), with what
/// Hystrix, resilience4j, gobreaker and Polly leave out by default: a jittered open time that doubles, probes that are
/// leased, a ramp on recovery, and calls that are too old counted before their timeouts return.
///
///     switch breaker.admit(now) {
///     case .admitted(let permit): …; breaker.record(permit, .success, later)
///     case .refused(let retryAfter): …
///     }
///
/// Closed, the two calls are a few comparisons and additions, and allocate nothing.
public struct CircuitBreaker: Sendable {
    /// What the breaker does with a call.
    public enum Admission: Hashable, Sendable {
        /// Make the call, and `record` how it ended.
        case admitted(Permit)
        /// Refused at once; worth trying again after this.
        case refused(retryAfter: TimeAmount)
    }

    /// How a call ended. What took longer than `Configuration.slow` and succeeded counts as slow.
    public enum Outcome: Hashable, Sendable {
        /// The dependency answered, were it with a "no" of its own.
        case success
        /// It answered that it cannot, or not in time.
        case failure
        /// It could not be reached at all.
        case unreachable
        /// The call was cancelled, or says nothing of the dependency: no verdict.
        case ignored
    }

    /// Allows one call, which began under one state of the breaker: what it brings later is no news.
    public struct Permit: Hashable, Sendable {
        let startedAt: MonotonicTime
        let generation: UInt32
        /// The bucket of the window that it began in.
        let turn: UInt32
        /// The number of a probe's lease, 0 for a call.
        let lease: UInt32
    }

    public let configuration: Configuration
    /// Raised with every change of state.
    private(set) var generation: UInt32 = 1
    /// Closed, not forced, and in one bucket until then: nothing to look at but the outcome.
    private(set) var steadyUntil = MonotonicTime.distantPast
    var window: OutcomeWindow
    var state = State.closed(since: .distantPast)
    var forced: Forced?
    /// Calls in a row that could not reach the dependency.
    var unreachable = 0
    /// Times in a row that it opened without a healthy time in between.
    var openings = 0
    var journal = EventJournal()
    var generator: SplitMix64

    /// - Parameter seed: of the generator that draws the jitter; the same seed gives the same times.
    public init(_ configuration: Configuration = Configuration(), seed: UInt64) {
        configuration.check()
        self.configuration = configuration
        window = OutcomeWindow(bucket: configuration.window / OutcomeWindow.size)
        generator = SplitMix64(seed: seed)
    }

    // MARK: Asking

    /// Asks before a call.
    public mutating func admit(_ now: MonotonicTime) -> Admission {
        if now < steadyUntil { return .admitted(begun(now)) }
        advance(to: now)
        if configuration.probesWithCalls, decidesItself, let probe = lease(now) { return .admitted(probe) }
        return passes(now) ? .admitted(begun(now)) : refused(now)
    }

    /// Asks for one of many pieces of work that one call, begun later, does together. Nil lets it pass; otherwise it is
    /// worth trying again after this.
    public mutating func refusal(_ now: MonotonicTime) -> TimeAmount? {
        if now < steadyUntil { return nil }
        advance(to: now)
        if passes(now) { return nil }
        window.reject()
        return retryAfter(now)
    }

    /// A permit for a call that goes ahead whatever the state, because what it carries has passed before.
    public mutating func begin(_ now: MonotonicTime) -> Permit {
        if now >= steadyUntil { advance(to: now) }
        return begun(now)
    }

    /// Leases a probe, if one is due. For dependencies that can be asked something harmless; see
    /// `Configuration.probesWithCalls`.
    public mutating func admitProbe(_ now: MonotonicTime) -> Permit? {
        if now < steadyUntil { return nil }
        advance(to: now)
        return decidesItself ? lease(now) : nil
    }

    private mutating func begun(_ now: MonotonicTime) -> Permit {
        window.begin()
        return Permit(startedAt: now, generation: generation, turn: window.turn, lease: 0)
    }

    private mutating func refused(_ now: MonotonicTime) -> Admission {
        window.reject()
        return .refused(retryAfter: retryAfter(now))
    }

    // MARK: Recording

    /// Says how a call ended, once per permit. A result of an earlier state changes nothing.
    public mutating func record(_ permit: Permit, _ outcome: Outcome, _ now: MonotonicTime) {
        guard outcome == .success, now < steadyUntil, permit.generation == generation,
            now - permit.startedAt <= configuration.slow
        else { return recordSlowly(permit, outcome, now) }
        window.end(permit.turn)
        window.succeed()
        unreachable = 0
    }

    private mutating func recordSlowly(_ permit: Permit, _ outcome: Outcome, _ now: MonotonicTime) {
        advance(to: now)
        guard permit.generation == generation else { return }
        if permit.lease != 0 { return recordProbe(permit, outcome, now) }
        window.end(permit.turn)
        if let forced, forced.state == .disabled { return }
        switch outcome {
        case .ignored:
            return window.ignore()
        case .success where now - permit.startedAt <= configuration.slow:
            unreachable = 0
            return window.succeed()
        case .success:
            unreachable = 0
            window.slow()
        case .failure:
            window.fail()
        case .unreachable:
            unreachable += 1
            window.fail()
        }
        judge(now)
    }

    /// The connection itself is gone: no need to count.
    public mutating func trip(_ now: MonotonicTime) {
        advance(to: now)
        guard decidesItself else { return }
        switch state {
        case .open: break
        case .closed, .halfOpen, .recovering: open(.tripped, now)
        }
    }

    /// Lets time pass without a call: opens on calls that are too old, ends what has run out. Any call does the same, so
    /// this is for whoever wants it to be noticed while nobody calls.
    public mutating func tick(_ now: MonotonicTime) {
        if now >= steadyUntil { advance(to: now) }
    }

    // MARK: Changing

    /// Every change of state goes through here: what began before it is no longer counted.
    mutating func enter(_ state: State) {
        self.state = state
        generation &+= 1
        unreachable = 0
        window.clear()
        settle()
    }

    /// Finds out until when nothing but outcomes can change anything.
    mutating func settle() {
        if case .closed = state, forced == nil {
            steadyUntil = window.turnEnd
        } else {
            steadyUntil = .distantPast
        }
    }
}
