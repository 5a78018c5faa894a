public import Wire

extension CircuitBreaker {
    /// A state that an operator forces.
    public enum ForcedState: String, Hashable, Sendable, CaseIterable {
        /// Nothing passes.
        case open
        /// Everything passes; outcomes are counted and change nothing.
        case closed
        /// Everything passes; nothing is counted.
        case disabled
        /// Everything passes, while states change and are reported as though it mattered: a configuration on trial.
        case metricsOnly = "metrics-only"
    }

    struct Forced: Sendable {
        let state: ForcedState
        let actor: String
        let until: MonotonicTime
    }

    /// The state that is forced now, who forced it, and until when.
    public var forcedState: (state: ForcedState, actor: String, until: MonotonicTime)? {
        forced.map { ($0.state, $0.actor, $0.until) }
    }

    /// States follow outcomes: nothing is forced, or only what callers see of it.
    var decidesItself: Bool { forced.map { $0.state == .metricsOnly } ?? true }

    /// Forces a state for a time: nobody has to remember to undo it.
    ///
    /// - Parameters:
    ///   - actor: who does it, for the log.
    ///   - time: after this the breaker decides by itself again.
    public mutating func force(
        _ state: ForcedState, by actor: String, for time: TimeAmount, _ now: MonotonicTime
    ) {
        advance(to: now)
        forced = Forced(state: state, actor: actor, until: now + time)
        journal.add(.forced(state, by: actor, until: now + time), now)
        settle()
    }

    /// Ends a forced state. What was forced open is probed first, anything else begins closed.
    public mutating func lift(by actor: String, _ now: MonotonicTime) {
        guard let forced else { return }
        self.forced = nil
        journal.add(.lifted(forced.state, by: actor), now)
        switch forced.state {
        case .open: enter(.halfOpen(ProbeLeases()))
        case .closed, .disabled: enter(.closed(since: now))
        case .metricsOnly: settle()
        }
    }
}
