import Redlock
import Wire

/// The Redis nodes together, as a lock manager sees them; and the ways in which they lie.
struct ModelLeases {
    private var holders: [String: (token: LeaseToken, until: MonotonicTime)] = [:]
    private var lastToken: UInt128 = 0
    /// Too few nodes answer until then.
    var noQuorumUntil = MonotonicTime.distantPast
    /// Until then every lease is granted, whoever holds it.
    var liesUntil = MonotonicTime.distantPast

    mutating func token() -> LeaseToken {
        lastToken += 1
        return LeaseToken(rawValue: lastToken)
    }

    mutating func acquire(_ resource: String, ttl: TimeAmount, sent: MonotonicTime, _ now: MonotonicTime)
        -> AcquireOutcome
    {
        if now < noQuorumUntil { return .noQuorum }
        if let holder = holders[resource], holder.until > now, now >= liesUntil {
            return .held(retryAfter: holder.until - now)
        }
        let token = token()
        holders[resource] = (token, now + ttl)
        return .acquired(Lease(resource: resource, token: token, validUntil: sent + ttl - ttl / 50))
    }

    mutating func extend(_ lease: Lease, ttl: TimeAmount, sent: MonotonicTime, _ now: MonotonicTime)
        -> ExtendOutcome
    {
        if now < noQuorumUntil { return .noQuorum }
        guard let holder = holders[lease.resource], holder.until > now else { return .vanished }
        guard holder.token == lease.token else { return .taken }
        holders[lease.resource] = (lease.token, now + ttl)
        return .extended(
            Lease(resource: lease.resource, token: lease.token, validUntil: sent + ttl - ttl / 50))
    }

    mutating func release(_ lease: Lease) {
        if holders[lease.resource]?.token == lease.token { holders[lease.resource] = nil }
    }

    // MARK: Lies

    mutating func flush() { holders = [:] }

    /// Somebody wrote a key of their own.
    mutating func forge(_ resource: String, until: MonotonicTime) { holders[resource] = (token(), until) }
}
