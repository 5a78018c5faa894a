import Redis
import Wire

@testable import Redlock

/// A Redis node as `LockCommand` describes it, on a clock of its own.
struct ModelNode {
    /// By how much its wall clock is ahead of the time.
    var offset = TimeAmount.zero
    /// Does not answer, and keeps what it is sent.
    var isPaused = false
    var keys: [String: (token: LeaseToken, end: Int64)] = [:]
    private var memory: Int64?
    /// Since 1970, in microseconds, at the monotonic time zero.
    private static let start: Int64 = 1_700_000_000_000_000

    init(memoryFrom time: MonotonicTime = MonotonicTime(nanoseconds: 0)) { memory = clock(time) }

    mutating func flush() {
        keys = [:]
        memory = nil
    }

    mutating func execute(_ command: LockCommand, _ now: MonotonicTime) -> LockReply {
        let clock = clock(now)
        let born = memory ?? clock
        memory = born
        return .answered(LockAnswer(verdict(command, clock), clock: clock, memory: born))
    }

    private func clock(_ now: MonotonicTime) -> Int64 {
        Self.start + now.nanoseconds / 1_000 + offset.microseconds
    }

    private mutating func verdict(_ command: LockCommand, _ clock: Int64) -> LockAnswer.Verdict {
        if let key = keys[command.key], key.end <= clock { keys[command.key] = nil }
        let holder = keys[command.key]
        let grant = (command.token, clock + command.ttl.microseconds)
        switch command.action {
        case .acquire, .repair:
            if let holder, command.action == .acquire || holder.token != command.token {
                return .held(remaining: .microseconds(holder.end - clock))
            }
            keys[command.key] = grant
        case .extend:
            guard let holder else { return .missing }
            guard holder.token == command.token else { return .held(remaining: nil) }
            keys[command.key] = grant
        case .release:
            guard let holder, holder.token == command.token else { return .missing }
            keys[command.key] = nil
        case .look: break
        }
        return .yes
    }
}

/// A core and its nodes on one virtual clock. A round trip takes a millisecond.
final class ModelCluster {
    var core: RedlockCore
    var nodes: [ModelNode]
    private(set) var now = MonotonicTime(nanoseconds: 0)
    var acquired: [UInt64: AcquireOutcome] = [:]
    var extended: [UInt64: ExtendOutcome] = [:]
    private(set) var notes: [(event: NodeEvent, node: Int)] = []
    /// How often each node was sent what.
    private(set) var sent: [Int: [LockCommand.Action: Int]] = [:]
    private var unanswered: [(command: LockCommand, node: Int)] = []
    private var lastID: UInt64 = 0

    /// Nodes that have run for an hour.
    init(_ count: Int = 5, ttl: TimeAmount = .seconds(3), quarantine: Bool = true) throws {
        now = MonotonicTime(nanoseconds: 3_600_000_000_000)
        nodes = Array(repeating: ModelNode(), count: count)
        core = RedlockCore(
            nodes: try (0..<count).map { try RedisAddress("127.0.0.1:\(7_000 + $0)") },
            configuration: LockConfiguration(
                ttl: ttl, nodeTimeout: .milliseconds(50), quarantine: quarantine, keyPrefix: ""), seed: 1)
        for node in 0..<count { core.connected(node, Self.info(node), now) }
        run(for: .milliseconds(10))
    }

    static func info(_ node: Int) -> ServerInfo {
        ServerInfo(
            runID: "run \(node)", uptime: .seconds(3_600), isMaster: true, maxmemoryPolicy: "noeviction")
    }

    // MARK: Calls

    func acquire(_ resource: String, leaderFirst: Bool = false) -> AcquireOutcome? {
        lastID += 1
        let token = LeaseToken(rawValue: UInt128(lastID))
        core.acquire(resource, token: token, id: lastID, leaderFirst: leaderFirst, now)
        run(for: .milliseconds(60))
        return acquired[lastID]
    }

    func lease(_ resource: String) -> Lease? {
        if case .acquired(let lease) = acquire(resource) { lease } else { nil }
    }

    func extend(_ lease: Lease) -> ExtendOutcome? {
        lastID += 1
        core.extend(lease, id: lastID, now)
        run(for: .milliseconds(60))
        return extended[lastID]
    }

    func waitForQuorum() -> TimeAmount? { core.waitForQuorum(now) }

    // MARK: Time

    /// Lets time pass. What is sent is executed half a millisecond later, and answered after as much again.
    func run(for amount: TimeAmount) {
        let end = now + amount
        while now < end {
            perform()
            now = now + .milliseconds(1)
            answer()
            if let wake = core.wakeTime, wake <= now { core.tick(now) }
        }
        perform()
    }

    private func perform() {
        for effect in core.takeEffects() {
            switch effect {
            case .send(let command, let node):
                sent[node, default: [:]][command.action, default: 0] += 1
                unanswered.append((command, node))
            case .inspect(let node): core.inspected(node, Self.info(node), now)
            case .acquired(let id, let outcome): acquired[id] = outcome
            case .extended(let id, let outcome): extended[id] = outcome
            case .released: break
            case .note(let event, let node): notes.append((event, node))
            }
        }
    }

    private func answer() {
        let due = unanswered.filter { !nodes[$0.node].isPaused }
        unanswered.removeAll { !nodes[$0.node].isPaused }
        for (command, node) in due {
            let reply = nodes[node].execute(command, now - .microseconds(500))
            core.replied(command, by: node, reply, now)
        }
    }
}
