package import Redis
import Resilience
package import Wire

/// Redlock as a value: calls, votes and times go in, effects come out
/// (https://redis.io/docs/latest/develop/use/patterns/distributed-locks).
///
/// All nodes are asked at once; an attempt is decided by the vote that makes a quorum or makes it impossible, or
/// by its deadline, `nodeTimeout` from its call. What votes mean is in `Acquisition`, `Extension` and
/// `NodeHealth`. There are no retries: when to try again is the caller's to know.
///
/// Without a quorum of nodes that may be asked, an attempt to take a lease ends at once and nothing is sent;
/// `waitForQuorum` says when it may be worth trying again.
///
/// Whoever drives it (the event loop of `LockManager`, or a simulator):
///
/// - calls `connected` and `lost` for a node in turns, beginning with `connected`;
/// - performs `effects` after every call, in their order, and takes them away (`takeEffects`);
/// - answers each `send` with exactly one `replied`, which gives the command back as it came, and each `inspect`
///   with one `inspected`. Commands to one node are executed and answered in their order. Those that a lost
///   connection leaves unanswered are `replied` as `lost` before `lost` is called;
/// - calls `tick` at `wakeTime`, or later;
/// - passes times that never go back, each read when the thing happened and not before.
///
/// Bounds: `LockNode.voteLimit` (2,040) commands per node wait for their answers, twice that with releases; an
/// attempt lives for `nodeTimeout`; `OwedReleases.limit` per node.
package struct RedlockCore {
    package let configuration: LockConfiguration
    /// What is to be done, oldest first.
    package internal(set) var effects: [RedlockEffect] = []
    /// Whether restarted nodes are kept from voting; see `LockManager.setQuarantine(_:)`.
    package var isQuarantineOn: Bool
    /// How attempts ended.
    package internal(set) var counts = LockCounts()

    var nodes: [LockNode]
    var acquisitions: [UInt64: Attempt<Acquisition>] = [:]
    var extensions: [UInt64: Attempt<Extension>] = [:]
    var farewells: [UInt64: Farewell] = [:]
    /// The extensions that still wait for votes; usually one per lease.
    var extending: [LeaseToken: [UInt64]] = [:]
    /// Attempts are numbered in the order of their deadlines: all have the same time.
    var nextNumber: UInt64 = 1
    var oldest: UInt64 = 1
    var nextInspection = MonotonicTime.distantFuture
    /// At the next inspection, or before if a breaker waits for a probe.
    var nextLook = MonotonicTime.distantFuture

    /// - Parameter nodes: Where the nodes are, for people; each named once, at most `NodeSet.limit` (64). Events
    ///   and effects name them by their index.
    /// - Parameter seed: Of the generator that draws how long breakers stay open.
    package init(nodes: [RedisAddress], configuration: LockConfiguration, seed: UInt64) {
        precondition(!nodes.isEmpty, "leases need at least one Redis node")
        precondition(nodes.count <= NodeSet.limit, "\(nodes.count) nodes are more than \(NodeSet.limit)")
        precondition(Set(nodes).count == nodes.count, "a node named twice would vote twice: \(nodes)")
        self.configuration = configuration
        var generator = SplitMix64(seed: seed)
        self.nodes = nodes.map { LockNode($0, configuration: configuration, seed: generator.next()) }
        isQuarantineOn = configuration.quarantine
    }

    /// Hands over what is to be done.
    package mutating func takeEffects() -> [RedlockEffect] {
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    // MARK: Leases

    /// Tries once to take a lease. Ends in one `acquired`.
    ///
    /// - Parameters:
    ///   - ttl: `configuration.ttl` unless given; at least 10 ms, at most `longestTTL`.
    ///   - token: A fresh one for every attempt, drawn at random.
    ///   - id: Comes back with the outcome.
    ///   - leaderFirst: Asks one node alone, for all contenders the same, and the others only if it agrees. For the
    ///     try after a split vote (`held` without a time): of any number of contenders one wins.
    package mutating func acquire(
        _ resource: String, ttl: TimeAmount? = nil, token: LeaseToken, id: UInt64, leaderFirst: Bool = false,
        _ now: MonotonicTime
    ) {
        let claim = claim(resource, token, ttl)
        let number = newNumber()
        var candidates = candidates(now)
        if candidates.count < quorum { candidates = NodeSet() }
        acquisitions[number] = attempt(id, resource, claim, now)
        if leaderFirst, let leader = leader(for: claim.key, among: candidates) {
            var (first, followers) = (NodeSet(), candidates)
            first.insert(leader)
            followers.remove(leader)
            acquisitions[number]!.leader = Attempt.Leader(node: leader, followers: followers)
            acquisitions[number]!.permits = ask(.acquire, claim, number, first, now)
        } else {
            acquisitions[number]!.permits = ask(.acquire, claim, number, candidates, now)
        }
        for node in nodes.indices where !candidates.contains(node) {
            acquiring(number, .failed, .ignored, of: node, now)
        }
    }

    /// Tries once to make a lease last for `ttl` from now. Ends in one `extended`.
    ///
    /// A lease that has ended is not revived: who waited may have it already.
    package mutating func extend(_ lease: Lease, ttl: TimeAmount? = nil, id: UInt64, _ now: MonotonicTime) {
        guard now < lease.validUntil else {
            release(lease, now)
            return effects.append(.extended(id: id, .vanished))
        }
        let claim = claim(lease.resource, lease.token, ttl)
        let number = newNumber()
        extensions[number] = attempt(id, lease.resource, claim, now)
        extending[lease.token, default: []].append(number)
        let voters = voters(now)
        extensions[number]!.permits = ask(.extend, claim, number, voters, now)
        for node in nodes.indices where !voters.contains(node) {
            extending(number, .failed, .ignored, of: node, now)
        }
    }

    /// Gives a lease up: deletes its keys on all nodes, where they are still its own.
    ///
    /// Never fails, and is never held back: a node that is away is told when it is back, as long as the key may
    /// exist.
    ///
    /// - Parameter id: When given, one `released` follows.
    package mutating func release(_ lease: Lease, id: UInt64? = nil, _ now: MonotonicTime) {
        for number in extending[lease.token] ?? [] { extensions[number]?.isWithdrawn = true }
        // The longest time for which any extension may have left the key.
        let claim = claim(lease.resource, lease.token, configuration.longestTTL)
        guard let id else {
            for node in nodes.indices { release(claim, on: node, now) }
            return
        }
        let number = newNumber()
        var told = 0
        for node in nodes.indices where release(claim, on: node, for: number, now) { told += 1 }
        guard told > 0 else {
            // Nothing bears this number, and the deadlines after it must not wait behind it.
            skipEnded()
            return effects.append(.released(id: id))
        }
        farewells[number] = Farewell(
            id: id, deadline: now + configuration.nodeTimeout, outstanding: told)
    }

    // MARK: Time

    /// When `tick` has something to do.
    package var wakeTime: MonotonicTime? {
        let deadline = deadline(of: oldest) ?? .distantFuture
        let next = min(deadline, nextLook)
        return next == .distantFuture ? nil : next
    }

    /// Ends the attempts whose time is up, and looks after the nodes.
    package mutating func tick(_ now: MonotonicTime) {
        while let deadline = deadline(of: oldest), deadline <= now { timedOut(oldest, now) }
        if now >= nextLook { lookAtNodes(now) }
    }

    /// Goes on to the oldest attempt that has not ended.
    mutating func skipEnded() {
        while oldest < nextNumber, deadline(of: oldest) == nil { oldest += 1 }
    }

    private func deadline(of number: UInt64) -> MonotonicTime? {
        acquisitions[number]?.deadline ?? extensions[number]?.deadline ?? farewells[number]?.deadline
    }

    private mutating func timedOut(_ number: UInt64, _ now: MonotonicTime) {
        for node in nodes.indices {
            if acquisitions[number] != nil { acquiring(number, .timedOut, .failure, of: node, now) }
            if extensions[number] != nil { extending(number, .timedOut, .failure, of: node, now) }
        }
        end(farewell: number)
    }

    /// Tells who waits for a release that it is done.
    mutating func end(farewell number: UInt64) {
        guard let farewell = farewells.removeValue(forKey: number) else { return }
        effects.append(.released(id: farewell.id))
        skipEnded()
    }

    // MARK: Making attempts

    private func claim(_ resource: String, _ token: LeaseToken, _ ttl: TimeAmount?) -> Claim {
        let ttl = ttl ?? configuration.ttl
        precondition(
            ttl >= LockConfiguration.shortestTTL && ttl <= configuration.longestTTL,
            "a lease of \(ttl.milliseconds) ms is not within 10…\(configuration.longestTTL.milliseconds) ms")
        return Claim(key: configuration.keyPrefix + resource, token: token, ttl: ttl)
    }

    private mutating func newNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    private func attempt<Choice: Election>(
        _ id: UInt64, _ resource: String, _ claim: Claim, _ now: MonotonicTime
    ) -> Attempt<Choice> {
        Attempt(
            id: id, resource: resource, claim: claim, deadline: now + configuration.nodeTimeout,
            election: Choice(nodes: nodes.count, ttl: claim.ttl, start: now), permits: [])
    }
}
