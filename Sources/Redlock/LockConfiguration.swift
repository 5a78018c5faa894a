public import Wire

/// The settings that all holders and contenders of a set of leases share.
public struct LockConfiguration: Hashable, Sendable {
    /// Two milliseconds are taken off every lease for drift, and the votes take time.
    public static let shortestTTL = TimeAmount.milliseconds(10)
    /// For how long a node keeps a lease that is not extended.
    public let ttl: TimeAmount
    /// The longest `ttl` that anybody uses on these nodes: for how long a node that lost its memory is kept
    /// from voting.
    public let longestTTL: TimeAmount
    /// How long an attempt waits for a node, from the call.
    public let nodeTimeout: TimeAmount
    /// Whether restarted nodes are quarantined from the start; see `LockManager.setQuarantine(_:)`.
    public let quarantine: Bool
    /// For how long a restarted node may have forgotten leases that are still valid.
    public var amnesia: TimeAmount { Validity.amnesia(longestTTL: longestTTL) }
    /// What the nodes' keys begin with.
    public let keyPrefix: String

    /// - Parameters:
    ///   - ttl: At least `shortestTTL`.
    ///   - longestTTL: `ttl` unless given; not below it.
    ///   - nodeTimeout: A twentieth of `ttl` but within 5…50 ms, unless given. "If the auto-release time is
    ///     10 seconds, the timeout could be in the ~ 5-50 milliseconds range"
    ///     (https://redis.io/docs/latest/develop/use/patterns/distributed-locks).
    public init(
        ttl: TimeAmount, longestTTL: TimeAmount? = nil, nodeTimeout: TimeAmount? = nil,
        quarantine: Bool = true,
        keyPrefix: String = "stampede:lease:"
    ) {
        let longest = longestTTL ?? ttl
        let timeout = nodeTimeout ?? min(.milliseconds(50), max(.milliseconds(5), ttl / 20))
        precondition(
            ttl >= Self.shortestTTL, "a lease of \(ttl.milliseconds) ms is too short for any quorum")
        precondition(
            longest >= ttl, "longestTTL \(longest.milliseconds) ms is below ttl \(ttl.milliseconds) ms")
        precondition(
            timeout > .zero && timeout < ttl,
            "a node timeout of \(timeout.milliseconds) ms is not within a TTL of \(ttl.milliseconds) ms")
        self.ttl = ttl
        self.longestTTL = longest
        self.nodeTimeout = timeout
        self.quarantine = quarantine
        self.keyPrefix = keyPrefix
    }
}
