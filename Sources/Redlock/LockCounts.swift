public import Wire

/// How attempts ended, since the start.
public struct LockCounts: Hashable, Sendable {
    public private(set) var acquired = 0
    public private(set) var held = 0
    /// Attempts that nobody need have won: each of several contenders had some of the nodes.
    public private(set) var split = 0
    public private(set) var extended = 0
    /// Leases that an extension found taken or vanished.
    public private(set) var lost = 0
    public private(set) var noQuorum = 0
    /// The least time that was left of a lease when it was acquired; nil before the first.
    public private(set) var leastLeft: TimeAmount?

    mutating func count(_ outcome: AcquireOutcome, _ now: MonotonicTime) {
        switch outcome {
        case .acquired(let lease):
            acquired += 1
            leastLeft = min(leastLeft ?? lease.validUntil - now, lease.validUntil - now)
        case .held(.some): held += 1
        case .held(nil): split += 1
        case .noQuorum: noQuorum += 1
        }
    }

    mutating func count(_ outcome: ExtendOutcome) {
        switch outcome {
        case .extended: extended += 1
        case .taken, .vanished: lost += 1
        case .noQuorum: noQuorum += 1
        }
    }
}
