import Wire

/// Releases that did not reach the node because it was away. They are sent when it is back, unless the key
/// has run out by then.
struct OwedReleases {
    /// One per lease that was released in the last TTL while the node was away. Beyond this the key's own
    /// expiry must do.
    static let limit = 1_024

    private var ends: [Claim: MonotonicTime] = [:]

    /// - Parameter end: When the key has run out on the node in any case.
    mutating func add(_ claim: Claim, until end: MonotonicTime, now: MonotonicTime) {
        if ends.count >= Self.limit { ends = ends.filter { now < $0.value } }
        if ends.count < Self.limit { ends[claim] = end }
    }

    /// Hands over what is still worth sending.
    mutating func takeAll(at now: MonotonicTime) -> [Claim] {
        defer { ends = [:] }
        return ends.filter { now < $0.value }.map(\.key)
    }
}
