public import Resilience
public import Wire

/// What happened to a node that somebody should know.
public enum NodeEvent: Hashable, Sendable {
    /// It has lost what it knew: it was flushed, or restored from a copy. It does not vote until every lease that it
    /// may have forgotten has ended.
    case forgot
    /// Its clock was set, forward above zero, by this much at least. It does not vote until every lease that it may
    /// have ended too early has ended. Leases that are held are worth extending now.
    case clockSet(by: TimeAmount)
    /// Its breaker changed.
    case breaker(CircuitBreaker.Event.Change)
}
