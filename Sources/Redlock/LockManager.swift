public import Redis
import Wire
public import ZeroMQ

/// Takes, extends and releases leases over independent Redis nodes: Redlock
/// (https://redis.io/docs/latest/develop/use/patterns/distributed-locks).
///
/// All nodes are asked at once, each on one connection; an attempt is decided by the vote that makes a quorum
/// or makes it impossible. Everything about votes is in `Acquisition`, `Extension` and `NodeHealth`; this
/// class sends, listens and keeps the time. At most `LockNode.voteLimit` (2,048) votes are outstanding per
/// node; a node beyond that fails to vote. There are no retries: when to try again is the caller's to know.
///
/// Belongs to the thread of its loop; close it in the end. Completions are called from the loop, never from
/// within the call that was given them (except by `close()`).
public final class LockManager {
    /// The settings that this manager was made with.
    public let configuration: LockConfiguration
    private let loop: EventLoop
    private let random: () -> UInt64
    private var members: [LockNode] = []
    private var isQuarantineOn: Bool
    /// The extensions that still wait for votes; usually one per lease.
    private var extensions: [LeaseToken: [Attempt<Extension>]] = [:]

    /// Begins to connect to the nodes. Until a majority is connected, outcomes are `noQuorum`.
    ///
    /// - Parameters:
    ///   - nodes: Independent masters, each named once. An odd number: one more to make it even makes the
    ///     quorum larger, but not the number of nodes that may fail.
    ///   - random: Source of uniform random numbers, for tokens and for the times between tries to connect.
    ///     Predictable tokens would let others release the leases.
    public init(
        nodes: [RedisAddress], configuration: LockConfiguration, loop: EventLoop,
        random: @escaping () -> UInt64
    ) {
        precondition(!nodes.isEmpty, "leases need at least one Redis node")
        precondition(Set(nodes).count == nodes.count, "a node named twice would vote twice: \(nodes)")
        self.configuration = configuration
        self.loop = loop
        self.random = random
        isQuarantineOn = configuration.quarantine
        members = nodes.map {
            LockNode($0, configuration: configuration, loop: loop, random: random) { [unowned self] in
                twin(of: $1, running: $0)
            }
        }
    }

    deinit { close() }

    // MARK: Leases

    /// Tries once to take a lease, for `configuration.ttl`.
    public func acquire(_ resource: String, _ completion: @escaping (AcquireOutcome) -> Void) {
        let claim = Claim(key: key(of: resource), token: LeaseToken(random: random))
        run(.acquire, claim) { [self] (attempt: Attempt<Acquisition>, decision) in
            switch decision {
            case .won(let end):
                completion(.acquired(Lease(resource: resource, token: claim.token, validUntil: end)))
            case .held(let retryAfter):
                withdraw(attempt)
                completion(.held(retryAfter: retryAfter))
            case .noQuorum:
                withdraw(attempt)
                completion(.noQuorum)
            }
        }
    }

    /// Tries once to make a lease last for `configuration.ttl` from now.
    ///
    /// A lease that has ended is not revived: who waited may have it already.
    public func extend(_ lease: Lease, _ completion: @escaping (ExtendOutcome) -> Void) {
        guard MonotonicTime.now() < lease.validUntil else {
            release(lease)
            loop.schedule(after: .zero) { completion(.vanished) }
            return
        }
        let claim = Claim(key: key(of: lease.resource), token: lease.token)
        let attempt = run(.extend, claim) { [self] (attempt: Attempt<Extension>, decision) in
            // Released in the meantime: whatever the nodes said before is void.
            if attempt.isWithdrawn { return completion(.vanished) }
            switch decision {
            case .extended(let end):
                repair(attempt)
                completion(
                    .extended(Lease(resource: lease.resource, token: lease.token, validUntil: end)))
            case .taken:
                release(lease)
                completion(.taken)
            case .vanished:
                release(lease)
                completion(.vanished)
            case .noQuorum: completion(.noQuorum)
            }
        }
        extensions[lease.token, default: []].append(attempt)
        attempt.onEnd = { [self] in
            extensions[lease.token]?.removeAll { $0 === attempt }
            if extensions[lease.token]?.isEmpty == true { extensions[lease.token] = nil }
        }
    }

    /// Gives a lease up: deletes its keys on all nodes, where they are still its own.
    ///
    /// Never fails, and is never held back: a node that is away is told when it is back, as long as the key
    /// may exist.
    ///
    /// - Parameter completion: Called once, when every node has answered or will not, or after `nodeTimeout`.
    ///   Wait for it before `close()`.
    public func release(_ lease: Lease, _ completion: (() -> Void)? = nil) {
        for attempt in extensions[lease.token] ?? [] { attempt.isWithdrawn = true }
        let claim = Claim(key: key(of: lease.resource), token: lease.token)
        guard let completion else {
            for node in members { node.release(claim) {} }
            return
        }
        var outstanding = members.count
        let timer = loop.schedule(after: configuration.nodeTimeout) {
            outstanding = 0
            completion()
        }
        for node in members {
            node.release(claim) { [self] in
                outstanding -= 1
                guard outstanding == 0 else { return }
                loop.cancel(timer)
                loop.schedule(after: .zero, completion)
            }
        }
    }

    // MARK: Nodes

    /// What is known about each node, in the order of the initializer.
    public var nodes: [NodeStatus] {
        let now = MonotonicTime.now()
        return members.map { $0.status(at: now, quarantine: isQuarantineOn) }
    }

    /// Turns the quarantine of restarted nodes on or off, at once.
    ///
    /// A node whose process is younger than the longest TTL may have forgotten valid leases, so its votes do
    /// not count until they have ended. A new cluster has none to forget: there the quarantine is off until
    /// the first leases are taken. Processes are watched either way.
    public func setQuarantine(_ on: Bool) { isQuarantineOn = on }

    /// Ends all connections. Outstanding attempts end as `noQuorum`; leases stay until their keys run out.
    public func close() {
        for node in members { node.close() }
    }

    private func twin(of node: LockNode, running runID: String) -> RedisAddress? {
        members.first { $0 !== node && $0.health.connectedRunID == runID }?.address
    }

    private func key(of resource: String) -> String { configuration.keyPrefix + resource }
}

// MARK: - Elections

extension LockManager {
    /// Asks all nodes that may vote, and counts the votes until every node has voted or the time is up.
    ///
    /// - Parameter decide: Called once.
    @discardableResult
    private func run<Choice: Election>(
        _ script: LockScript, _ claim: Claim,
        _ decide: @escaping (Attempt<Choice>, Choice.Decision) -> Void
    ) -> Attempt<Choice> {
        // Before the first byte: the nodes begin to count later than this.
        let start = MonotonicTime.now()
        let election = Choice(nodes: members.count, ttl: configuration.ttl, start: start)
        let attempt = Attempt(claim, election, decide)
        for (index, node) in members.enumerated()
        where node.health.standing(at: start, quarantine: isQuarantineOn) == .fit {
            let isAsked = node.ask(script, claim, at: start) { [self] in count($0, of: index, in: attempt) }
            if isAsked { attempt.asked.insert(index) }
        }
        // The deadline counts from the first byte too. If too few nodes could be asked it is not waited for,
        // but the caller hears of it from the loop.
        attempt.timer = loop.schedule(after: configuration.nodeTimeout) { [self] in
            for index in members.indices { count(.timedOut, of: index, in: attempt) }
        }
        if attempt.asked.count < members.count {
            loop.schedule(after: .zero) { [self] in
                for index in members.indices where !attempt.asked.contains(index) {
                    count(.failed, of: index, in: attempt)
                }
            }
        }
        return attempt
    }

    private func count<Choice: Election>(_ vote: Vote, of index: Int, in attempt: Attempt<Choice>) {
        let node = members[index]
        switch attempt.election.record(vote, of: index, at: .now()) {
        case .late:
            if vote != .timedOut { node.votes.late += 1 }
        case .counted(let decision):
            node.votes.count(vote)
            if let decision {
                attempt.decide(decision)
            } else if vote == .missing, attempt.election.mayRepair, !attempt.isWithdrawn {
                _ = node.ask(.repair, attempt.claim, at: .now()) { _ in }
            }
            if attempt.election.ballot.outstanding == 0 { attempt.end(on: loop) }
        }
    }

    /// Releases a lost attempt on every node that was asked, whatever it said: a yes may still be on its
    /// way. The others cannot know its token.
    private func withdraw(_ attempt: Attempt<Acquisition>) {
        for index in attempt.asked { members[index].release(attempt.claim) {} }
    }

    /// Gives the key of a lease that goes on to the nodes that have lost it, and to those in quarantine, so
    /// that they know it when they vote again.
    private func repair(_ attempt: Attempt<Extension>) {
        let now = MonotonicTime.now()
        for (index, node) in members.enumerated()
        where attempt.election.ballot.votes[index] == .missing
            || node.health.standing(at: now, quarantine: isQuarantineOn) == .quarantined
        {
            _ = node.ask(.repair, attempt.claim, at: now) { _ in }
        }
    }
}

@available(*, unavailable)
extension LockManager: Sendable {}
