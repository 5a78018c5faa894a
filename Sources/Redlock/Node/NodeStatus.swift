public import Redis
public import Resilience

/// What is known about one node, for people and metrics.
public struct NodeStatus: Hashable, Sendable {
    /// How often a node voted how, since the start.
    public struct Votes: Hashable, Sendable {
        public internal(set) var yes = 0
        /// Held by another, or, for an extension, unknown to the node.
        public internal(set) var no = 0
        /// Not connected, quarantined, refused, overloaded, or answered with an error.
        public internal(set) var error = 0
        /// Not answered in time.
        public internal(set) var timeout = 0
        /// Answers that came after their timeout. They count for nothing else.
        public internal(set) var late = 0

        mutating func count(_ vote: Vote) {
            switch vote {
            case .yes: yes += 1
            case .held, .missing: no += 1
            case .failed: error += 1
            case .timedOut: timeout += 1
            }
        }
    }

    public let address: RedisAddress
    /// Whether the server is connected and has said who it is.
    public let isConnected: Bool
    /// Why a server that is otherwise fit does not vote for a while.
    public enum Absence: Hashable, Sendable {
        /// It may have forgotten leases: it was restarted, flushed or restored.
        case quarantined
        /// Its clock was set, so that it may have ended leases too early.
        case suspended
        /// It has answered nothing for the lifetime of a lease, so it is not asked.
        case silent
    }

    /// Why its votes do not count for a while; nil when they may.
    public let absence: Absence?
    /// Its breaker: while this is open, it is not asked for new leases.
    public let breaker: CircuitBreaker.StateName
    /// Why its votes never count as it is now; nil when they may.
    public let refusal: String?
    /// Why it was last lost, or answered with an error, in a sentence.
    public let lastError: String?
    public let votes: Votes

    /// Whether its votes do not count because it may have forgotten leases.
    public var isQuarantined: Bool { absence == .quarantined }
}
