public import Redis

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
    /// Whether its votes do not count because it may have forgotten leases.
    public let isQuarantined: Bool
    /// Why its votes never count as it is now; nil when they may.
    public let refusal: String?
    /// Why it was last lost, or answered with an error, in a sentence.
    public let lastError: String?
    public let votes: Votes
}
