import Wire

/// For how long a grant may be trusted.
///
/// | TTL   | drift | usable, from before the first byte |
/// | 0.3 s | 5 ms  | 295 ms                             |
/// | 3 s   | 32 ms | 2,968 ms                           |
/// | 10 s  | 102 ms | 9,898 ms                          |
enum Validity {
    /// How much less than the TTL a node's clock may give: 1 % for clocks that run at different rates, 1 ms
    /// for the precision of Redis' expiry, 1 ms as a minimum.
    static func drift(of ttl: TimeAmount) -> TimeAmount { ttl / 100 + .milliseconds(2) }

    /// When a grant ends whose first byte was sent after `start`: the nodes began to count later than that.
    static func end(start: MonotonicTime, ttl: TimeAmount) -> MonotonicTime { start + ttl - drift(of: ttl) }

    /// For how long a process that lost its memory may have forgotten a grant, counted from its start.
    ///
    /// The second is for `uptime_in_seconds`, a difference of two clocks cut to whole seconds.
    static func amnesia(longestTTL: TimeAmount) -> TimeAmount {
        longestTTL + drift(of: longestTTL) + .seconds(1)
    }
}
