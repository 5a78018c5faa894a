import Redis
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
    var votes = NodeStatus.Votes()
    var owed = OwedReleases()
    /// What the server answered when it refused a command, since it is connected.
    var refusal: String?
    private var inFlight = 0
    /// Since when nothing was answered although commands wait; nil when none do.
    private var waitingSince: MonotonicTime?
    private var isBeingLookedAt = false

    init(_ address: RedisAddress, longestTTL: TimeAmount) {
        self.address = address
        health = NodeHealth(longestTTL: longestTTL)
    }

    // MARK: Commands

    /// Whether the node can be asked for a vote.
    ///
    /// One that has answered nothing for a whole TTL is paused or cut off. What it is sent now would only be done
    /// when it is of no use any more.
    func canBeAsked(_ now: MonotonicTime, patience: TimeAmount) -> Bool {
        inFlight < Self.voteLimit && !(waitingSince.map { now - $0 > patience } ?? false)
    }

    var canBeTold: Bool { health.connectedRunID != nil && inFlight < Self.commandLimit }

    /// Whether it is time to look at a connected node; not before the last look was answered.
    var canBeLookedAt: Bool { canBeTold && !isBeingLookedAt }

    mutating func sent(_ action: LockCommand.Action, _ now: MonotonicTime) {
        if action == .look { isBeingLookedAt = true }
        inFlight += 1
        if inFlight == 1 { waitingSince = now }
    }

    mutating func replied(_ action: LockCommand.Action, _ now: MonotonicTime) {
        precondition(inFlight > 0, "a node has answered more than it was asked")
        if action == .look { isBeingLookedAt = false }
        inFlight -= 1
        waitingSince = inFlight == 0 ? nil : now
    }
}
