/// Forces a state of one of a worker's breakers, lifts what is forced, or changes nothing and only asks.
///
/// Whoever wrote it is told of a value that makes no sense by the field's name (`badField`), so all are kept as they came.
public struct ForceBreaker: Hashable, Sendable {
    public var worker: String
    /// "commit", "control", "locks" or "receipts"; empty changes nothing.
    public var purpose: String
    /// "open", "closed", "disabled" or "metrics-only"; empty lifts what is forced.
    public var state: String
    /// How long the state is forced, in seconds; within `times`.
    public var seconds: Int64
    /// Who does it, for the worker's log. The caller says so, and nobody checks it.
    public var actor: String

    /// A forced state ends by itself after an hour at most: nobody has to remember to lift it.
    public static let times: ClosedRange<Int64> = 1...3_600

    /// Asks how the breakers are.
    public init(worker: String) {
        self.init(worker: worker, forcing: "", of: "", seconds: 0, by: "")
    }

    /// Lifts what is forced.
    public init(worker: String, lifting purpose: String, by actor: String) {
        self.init(worker: worker, forcing: "", of: purpose, seconds: 0, by: actor)
    }

    public init(worker: String, forcing state: String, of purpose: String, seconds: Int64, by actor: String) {
        self.worker = worker
        self.purpose = purpose
        self.state = state
        self.seconds = seconds
        self.actor = actor
    }
}

/// How the breakers of a worker are.
public struct BreakerStates: Hashable, Sendable {
    public var breakers: [BreakerState]

    public init(breakers: [BreakerState]) { self.breakers = breakers }
}

/// How one breaker is.
public struct BreakerState: Hashable, Sendable {
    /// "commit", "control", "locks" or "receipts".
    public var purpose: String
    /// "closed", "open", "half-open" or "recovering": what it has decided itself, whatever is forced.
    public var state: String
    /// What decides in its stead.
    public var forced: Forced?
    public var counts: Counts

    public struct Forced: Hashable, Sendable {
        public var state: String
        /// Who forced it, as he said.
        public var actor: String
        public var leftMilliseconds: Int64

        public init(state: String, actor: String, leftMilliseconds: Int64) {
            self.state = state
            self.actor = actor
            self.leftMilliseconds = leftMilliseconds
        }
    }

    /// How calls ended within the breaker's window, since its last change of state.
    public struct Counts: Hashable, Sendable {
        public var succeeded: Int64
        public var failed: Int64
        public var slow: Int64
        /// By the breaker.
        public var refused: Int64

        public init(succeeded: Int64, failed: Int64, slow: Int64, refused: Int64) {
            self.succeeded = succeeded
            self.failed = failed
            self.slow = slow
            self.refused = refused
        }
    }

    public init(purpose: String, state: String, forced: Forced?, counts: Counts) {
        self.purpose = purpose
        self.state = state
        self.forced = forced
        self.counts = counts
    }
}
