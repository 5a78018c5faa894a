import Redis
import Resilience
import Wire

/// What the core knows of one node: whether it may vote, what it was asked, and what it is owed.
struct LockNode {
    /// Votes are asked for only while fewer commands than this wait for their answers, so that there is always
    /// room for the release of everything that was asked for.
    static let voteLimit = commandLimit / 2
    /// How many commands of all kinds may wait for their answers.
    static let commandLimit = RedisConnection.usualLimit - 16

    let address: RedisAddress
    var health: NodeHealth
    /// Judged by the votes: a node that does not give them in time is not asked for a while. Only attempts to take
    /// a lease are held back by it.
    var breaker: CircuitBreaker
    var votes = NodeStatus.Votes()
    var owed = OwedReleases()
    /// What the server answered when it refused a command, since it is connected.
    var refusal: String?
    /// Whether the breaker opened only because votes were slow.
    private(set) var isMerelySlow = false
    private var inFlight = 0
    /// Since when nothing was answered although commands wait; nil when none do.
    private var waitingSince: MonotonicTime?
    private var isBeingLookedAt = false
    /// The look is a probe of the breaker's.
    private var probe: CircuitBreaker.Permit?

    init(_ address: RedisAddress, configuration: LockConfiguration, seed: UInt64) {
        self.address = address
        health = NodeHealth(longestTTL: configuration.longestTTL)
        breaker = CircuitBreaker(.forNode(configuration), seed: seed)
    }

    // MARK: Commands

    /// Whether it has answered nothing for so long: it is paused or cut off. What it is sent now would only be done
    /// when it is of no use any more.
    func isSilent(_ now: MonotonicTime, patience: TimeAmount) -> Bool {
        waitingSince.map { now - $0 > patience } ?? false
    }

    /// Whether the node can be asked for a vote.
    func canBeAsked(_ now: MonotonicTime, patience: TimeAmount) -> Bool {
        inFlight < Self.voteLimit && !isSilent(now, patience: patience)
    }

    var canBeTold: Bool { health.connectedRunID != nil && inFlight < Self.commandLimit }

    /// Whether it is time to look at a connected node; not before the last look was answered.
    var canBeLookedAt: Bool { canBeTold && !isBeingLookedAt }

    mutating func sent(_ action: LockCommand.Action, _ now: MonotonicTime) {
        if action == .look {
            isBeingLookedAt = true
            probe = breaker.admitProbe(now)
        }
        inFlight += 1
        if inFlight == 1 { waitingSince = now }
    }

    mutating func replied(_ action: LockCommand.Action, _ reply: LockReply, _ now: MonotonicTime) {
        precondition(inFlight > 0, "a node has answered more than it was asked")
        if action == .look {
            isBeingLookedAt = false
            if let probe { breaker.record(probe, reply.outcome, now) }
            probe = nil
        }
        inFlight -= 1
        waitingSince = inFlight == 0 ? nil : now
    }

    // MARK: Breaker

    /// Opens the breaker of a silent node. It is asked for nothing, so none of its votes would ever be judged: the
    /// silence is the verdict.
    mutating func judgeSilence(_ now: MonotonicTime, patience: TimeAmount) {
        if breaker.isClosed, isSilent(now, patience: patience) { breaker.trip(now) }
    }

    /// Lets time pass for the breaker, and takes what happened to it.
    mutating func tendBreaker(_ now: MonotonicTime) -> [CircuitBreaker.Event] {
        breaker.tick(now)
        let events = breaker.takeEvents()
        for case .opened(let reason, _, _) in events.lazy.map(\.change) { isMerelySlow = reason == .slowRate }
        return events
    }
}

extension LockReply {
    /// What the reply says of the node's health.
    var outcome: CircuitBreaker.Outcome {
        switch self {
        case .answered: .success
        case .refused: .failure
        case .lost: .unreachable
        }
    }
}

extension CircuitBreaker.Configuration {
    /// For a node that answers within a millisecond when it is well, and can be asked something harmless.
    ///
    /// There is no ramp: with every node admitting a tenth at random, no attempt would find a quorum.
    static func forNode(_ lock: LockConfiguration) -> Self {
        var configuration = Self()
        configuration.window = max(.seconds(2), lock.nodeTimeout * 4)
        configuration.minimumVolume = 10
        configuration.slow = max(.milliseconds(1), lock.nodeTimeout / 2)
        configuration.overdue = lock.nodeTimeout * 2
        configuration.openTime = .milliseconds(250)
        configuration.longestOpenTime = .seconds(2)
        configuration.healthyTime = .seconds(10)
        configuration.probesWithCalls = false
        configuration.probes = 1
        configuration.goodProbes = 2
        configuration.probesJudged = 3
        configuration.probeTimeout = lock.nodeTimeout
        configuration.ramp = .nanoseconds(1)
        return configuration
    }
}
