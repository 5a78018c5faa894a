public import Redis
public import Wire
public import ZeroMQ

/// Takes, extends and releases leases over independent Redis nodes: Redlock
/// (https://redis.io/docs/latest/develop/use/patterns/distributed-locks).
///
/// Everything is decided by `RedlockCore`; this class sends, listens and keeps the time. There are no retries:
/// when to try again is the caller's to know.
///
/// Belongs to the thread of its loop; close it in the end. Completions are called from the loop, never from
/// within the call that was given them (except by `close()`).
public final class LockManager {
    private var core: RedlockCore
    private let loop: EventLoop
    private let random: () -> UInt64
    private var connections: [RedisConnection] = []
    /// Who waits for what, by the core's ids. Bounded by the core's attempts.
    private var acquiring: [UInt64: (AcquireOutcome) -> Void] = [:]
    private var extending: [UInt64: (ExtendOutcome) -> Void] = [:]
    private var releasing: [UInt64: () -> Void] = [:]
    private var lastID: UInt64 = 0
    /// Outcomes that the callers have not been told yet.
    private var outcomes: [RedlockEffect] = []
    private var alarm: (timer: EventLoop.TimerID, time: MonotonicTime)?

    /// Begins to connect to the nodes. Until a majority is connected, outcomes are `noQuorum`.
    ///
    /// - Parameters:
    ///   - nodes: Independent masters, each named once, at most 64. An odd number: one more to make it even makes
    ///     the quorum larger, but not the number of nodes that may fail.
    ///   - random: Source of uniform random numbers, for tokens and for the times between tries to connect.
    ///     Predictable tokens would let others release the leases.
    public init(
        nodes: [RedisAddress], configuration: LockConfiguration, loop: EventLoop,
        random: @escaping () -> UInt64
    ) {
        core = RedlockCore(nodes: nodes, configuration: configuration, seed: random())
        self.loop = loop
        self.random = random
        connections = nodes.enumerated().map { index, address in
            RedisConnection(to: address, loop: loop, random: random) { [unowned self] in note($0, index) }
        }
    }

    deinit { close() }

    /// The settings that this manager was made with.
    public var configuration: LockConfiguration { core.configuration }

    // MARK: Leases

    /// Tries once to take a lease. Without a quorum of nodes to ask, nothing is sent.
    ///
    /// - Parameters:
    ///   - ttl: `configuration.ttl` unless given; at least 10 ms, at most `configuration.longestTTL`.
    ///   - leaderFirst: For the try after a split vote (`held` without a time): asks one node alone, for all
    ///     contenders the same, and the others only if it agrees. Takes one more round trip.
    public func acquire(
        _ resource: String, ttl: TimeAmount? = nil, leaderFirst: Bool = false,
        _ completion: @escaping (AcquireOutcome) -> Void
    ) {
        let id = newID()
        acquiring[id] = completion
        core.acquire(
            resource, ttl: ttl, token: LeaseToken(random: random), id: id, leaderFirst: leaderFirst, .now())
        performCall()
    }

    /// Tries once to make a lease last for `ttl` (`configuration.ttl` unless given) from now.
    ///
    /// A lease that has ended is not revived: who waited may have it already.
    public func extend(
        _ lease: Lease, ttl: TimeAmount? = nil, _ completion: @escaping (ExtendOutcome) -> Void
    ) {
        let id = newID()
        extending[id] = completion
        core.extend(lease, ttl: ttl, id: id, .now())
        performCall()
    }

    /// Gives a lease up: deletes its keys on all nodes, where they are still its own.
    ///
    /// Never fails, and is never held back: a node that is away is told when it is back, as long as the key
    /// may exist.
    ///
    /// - Parameter completion: Called once, when every node has answered or will not, or after `nodeTimeout`.
    ///   Wait for it before `close()`.
    public func release(_ lease: Lease, _ completion: (() -> Void)? = nil) {
        let id = completion.map { completion in
            let id = newID()
            releasing[id] = completion
            return id
        }
        core.release(lease, id: id, .now())
        performCall()
    }

    private func newID() -> UInt64 {
        lastID += 1
        return lastID
    }

    // MARK: Nodes

    /// What is known about each node, in the order of the initializer.
    public var nodes: [NodeStatus] {
        core.status(lastErrors: connections.map { $0.lastError?.message }, .now())
    }

    /// How attempts ended.
    public var counts: LockCounts { core.counts }

    /// After `noQuorum`: how long it takes at least until a quorum can be asked for a lease; nil when it can now.
    public var waitForQuorum: TimeAmount? { core.waitForQuorum(.now()) }

    /// Called from the loop when something happens to a node, with its address.
    public var onEvent: (NodeEvent, RedisAddress) -> Void = { _, _ in }

    /// Turns the quarantine of restarted nodes on or off, at once.
    ///
    /// A node whose process is younger than the longest TTL may have forgotten valid leases, so its votes do
    /// not count until they have ended. A new cluster has none to forget: there the quarantine is off until
    /// the first leases are taken. Processes are watched either way.
    public func setQuarantine(_ on: Bool) { core.isQuarantineOn = on }

    /// Ends all connections. Outstanding attempts end as `noQuorum`; leases stay until their keys run out.
    public func close() {
        for connection in connections { connection.close() }
        if let alarm { loop.cancel(alarm.timer) }
        tell()
    }

    private func note(_ event: RedisConnection.Event, _ node: Int) {
        switch event {
        case .ready(let info): core.connected(node, info, .now())
        case .lost: core.lost(node, .now())
        }
        perform()
        tell()
    }

    // MARK: Effects

    private func perform() {
        while !core.effects.isEmpty {
            for effect in core.takeEffects() {
                switch effect {
                case .send(let command, let node): send(command, to: node)
                case .inspect(let node): inspect(node)
                case .acquired, .extended, .released, .note: outcomes.append(effect)
                }
            }
        }
        setAlarm()
    }

    /// Performs what a call of the owner's led to. Its outcomes are told from the loop.
    private func performCall() {
        perform()
        if !outcomes.isEmpty { loop.schedule(after: .zero) { [self] in tell() } }
    }

    private func send(_ command: LockCommand, to node: Int) {
        do throws(RedisError) {
            try connections[node].command(LockScript.words(command)) { [self] in
                core.replied(command, by: node, LockScript.reply($0), .now())
                perform()
                tell()
            }
        } catch {
            core.replied(command, by: node, .lost, .now())
        }
    }

    private func inspect(_ node: Int) {
        do throws(RedisError) {
            try connections[node].command(["INFO"]) { [self] in
                core.inspected(node, (try? $0.get())?.text.flatMap { ServerInfo(parsing: $0) }, .now())
                perform()
                tell()
            }
        } catch {
            core.inspected(node, nil, .now())
        }
    }

    private func tell() {
        for outcome in exchange(&outcomes, with: []) {
            switch outcome {
            case .acquired(let id, let outcome): acquiring.removeValue(forKey: id)?(outcome)
            case .extended(let id, let outcome): extending.removeValue(forKey: id)?(outcome)
            case .released(let id): releasing.removeValue(forKey: id)?()
            case .note(let event, let node): onEvent(event, connections[node].address)
            case .send, .inspect: preconditionFailure("\(outcome) is no outcome")
            }
        }
    }

    // MARK: Time

    private func setAlarm() {
        guard let time = core.wakeTime, alarm.map({ time < $0.time }) ?? true else { return }
        if let alarm { loop.cancel(alarm.timer) }
        let timer = loop.schedule(after: max(.zero, time - .now())) { [weak self] in self?.wake() }
        alarm = (timer, time)
    }

    private func wake() {
        alarm = nil
        core.tick(.now())
        perform()
        tell()
    }
}

@available(*, unavailable)
extension LockManager: Sendable {}
