import Wire

/// What one node said to one attempt.
enum Vote: Hashable, Sendable {
    /// The node holds the key for this attempt's token.
    case yes
    /// The node holds it for another token, for this much longer if it told.
    case held(remaining: TimeAmount?)
    /// The node does not know the key; only when extending.
    case missing
    /// The node cannot vote: not connected, quarantined, refused, or it answered with an error.
    case failed
    /// The node did not answer in time. What it was sent it may still do.
    case timedOut
}
