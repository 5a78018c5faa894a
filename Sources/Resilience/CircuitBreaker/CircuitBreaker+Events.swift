public import Wire

extension CircuitBreaker {
    /// A change of state, for logs and metrics. Events are collected, never called back: no code of others runs inside
    /// a decision.
    public struct Event: Hashable, Sendable {
        public let at: MonotonicTime
        public let change: Change

        public enum Change: Hashable, Sendable {
            /// With what the window held.
            case opened(Reason, for: TimeAmount, Counts)
            case halfOpened
            case recovering
            case closed
            case forced(ForcedState, by: String, until: MonotonicTime)
            case lifted(ForcedState, by: String)
        }

        /// Why it opened.
        public enum Reason: String, Hashable, Sendable {
            case failureRate
            case slowRate
            case unreachable
            /// Over half of what was in flight was too old.
            case overdue
            /// Somebody knew that the connection was gone.
            case tripped
            case probesFailed
        }
    }

    /// Which state it is in, by name.
    public enum StateName: String, Hashable, Sendable {
        case closed
        case open
        case halfOpen = "half-open"
        case recovering
    }

    /// The state as of the last event; time may have moved on.
    public var stateName: StateName {
        switch state {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        case .recovering: .recovering
        }
    }

    public var isClosed: Bool { stateName == .closed }

    /// Whether all calls or a share of them pass, as of the last event.
    public var letsPass: Bool {
        if let forced { return forced.state != .open }
        return switch state {
        case .closed, .recovering: true
        case .open, .halfOpen: false
        }
    }

    /// How the calls of the window ended, since the last change of state.
    public var counts: Counts { window.counts }

    /// Calls that began in this state and have not ended.
    public var inFlight: Int { window.inFlight }

    /// Takes what happened since the last time. At most the last 16 events are kept.
    public mutating func takeEvents() -> [Event] { journal.take() }
}

/// The last events. Bounded: what nobody takes gives way to what is newer.
struct EventJournal: Sendable {
    static let most = 16
    private var events: [CircuitBreaker.Event] = []

    mutating func add(_ change: CircuitBreaker.Event.Change, _ now: MonotonicTime) {
        if events.count == Self.most { events.removeFirst() }
        events.append(CircuitBreaker.Event(at: now, change: change))
    }

    mutating func take() -> [CircuitBreaker.Event] {
        guard !events.isEmpty else { return [] }
        defer { events = [] }
        return events
    }
}
