import Cluster
import Synchronization

/// Redis nodes that lie: every 50 ms a script changes all their leases, or forgets all that they hold.
final class LyingRedisFault: Fault {
    private let nodes: [String]
    private let lie: Nemesis
    private let ttl: Int
    private let changed = Mutex(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter sockets: of the nodes.
    init(sockets: [String], lie: Nemesis, ttl: Milliseconds) {
        nodes = sockets
        self.lie = lie
        self.ttl = ttl.count
    }

    private static let period = Duration.milliseconds(50)
    private static let hour = 3_600_000

    /// Scripts return how many keys they have changed.
    private var script: String {
        switch lie {
        case .redisFlush: "local n = redis.call('dbsize') redis.call('flushall') return n"
        case .redisForge:
            Self.toEachLease(
                "local t = redis.call('pttl', k) if redis.call('get', k) ~= 'nobody' then "
                    + "redis.call('set', k, 'nobody', 'PX', t > 0 and t or 1) n = n + 1 end")
        case .redisExtend:
            Self.toEachLease(
                "if redis.call('pttl', k) < \(Self.hour / 2) then redis.call('pexpire', k, \(Self.hour)) n = n + 1 end"
            )
        default: Self.toEachLease("redis.call('del', k) n = n + 1")
        }
    }

    /// Nil where nothing can be brought back.
    private var undo: String? {
        switch lie {
        case .redisForge:
            Self.toEachLease(
                "if redis.call('get', k) == 'nobody' then redis.call('del', k) n = n + 1 end")
        case .redisExtend:
            Self.toEachLease(
                "if redis.call('pttl', k) > \(ttl) then redis.call('pexpire', k, \(ttl)) n = n + 1 end")
        default: nil
        }
    }

    private static func toEachLease(_ change: String) -> String {
        "local n = 0 for _, k in ipairs(redis.call('keys', 'stampede:lease:*')) do \(change) end return n"
    }

    private static func command(_ script: String) -> String { "EVAL \"\(script)\" 0" }

    func inject() async throws(ChaosError) {
        let (nodes, command) = (nodes, Self.command(script))
        let lying = Task { [self] in
            while !Task.isCancelled {
                for node in nodes {
                    let count = await RedisSocket.ask(node, command) ?? 0
                    changed.withLock { $0 += count }
                }
                try? await Task.sleep(for: LyingRedisFault.period)
            }
        }
        task.withLock { $0 = lying }
    }

    func evidence() async -> Evidence {
        let changed = changed.withLock { $0 }
        let what = lie == .redisFlush ? "keys forgotten" : "leases changed"
        return Evidence(changed > nodes.count, "\(changed) \(what) on \(nodes.count) nodes")
    }

    func heal() async {
        let lying = task.withLock { $0.take() }
        lying?.cancel()
        await lying?.value
        guard let undo else { return }
        for node in nodes { _ = await RedisSocket.ask(node, Self.command(undo)) }
    }
}

/// One question to a Redis node, as an inline command.
/// https://redis.io/docs/latest/develop/reference/protocol-spec
enum RedisSocket {
    /// The integer that it answers; nil when it answers something else or nothing.
    static func ask(_ path: String, _ command: String) async -> Int? {
        let lines = await lines(path, command, count: 1)
        return lines.first.flatMap { $0.first == ":" ? Int($0.dropFirst()) : nil }
    }

    /// The node's clock in microseconds since 1970.
    static func time(_ path: String) async -> Int64? {
        let lines = await lines(path, "TIME", count: 5)
        guard lines.count == 5, let seconds = Int64(lines[2]), let micros = Int64(lines[4]) else {
            return nil
        }
        return seconds * 1_000_000 + micros
    }

    private static func lines(_ path: String, _ command: String, count: Int) async -> [String] {
        await Blocking.run { _ in
            UnixSocket.exchange(path, command + "\r\n", lines: count)
        }
    }
}
