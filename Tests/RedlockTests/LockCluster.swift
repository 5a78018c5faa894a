import Redis
import RedisTestSupport
import Wire
import ZeroMQ

@testable import Redlock

/// Five real servers, and managers that talk to them from one loop.
final class LockCluster {
    let loop = EventLoop()
    let servers: [RedisServer]
    private var managers: [LockManager] = []
    /// For what must happen, on a loaded machine too.
    static let patience = TimeAmount.seconds(20)

    init() throws {
        servers = try RedisServer.start(count: 5)
        // The loop looks at a condition after every turn, and some conditions are a matter of time alone.
        loop.schedule(every: .milliseconds(5)) {}
    }

    deinit { for manager in managers { manager.close() } }

    /// A manager that is connected to all nodes. The node timeout is long, so that a busy machine is not
    /// taken for a dead node; the tests of the timeout set a shorter one.
    func manager(
        ttl: TimeAmount = .seconds(5), longestTTL: TimeAmount? = nil,
        nodeTimeout: TimeAmount = .seconds(2), quarantine: Bool = false
    ) -> LockManager {
        let configuration = LockConfiguration(
            ttl: ttl, longestTTL: longestTTL, nodeTimeout: min(nodeTimeout, ttl / 2), quarantine: quarantine,
            keyPrefix: "lock:")
        let manager = LockManager(
            nodes: servers.map(\.address), configuration: configuration, loop: loop,
            random: { UInt64.random(in: 0...UInt64.max) })
        managers.append(manager)
        _ = until { manager.nodes.allSatisfy(\.isConnected) }
        return manager
    }

    func until(_ condition: () -> Bool) -> Bool { loop.run(atMost: Self.patience, until: condition) }

    func acquire(_ resource: String, _ manager: LockManager) -> AcquireOutcome? {
        var outcome: AcquireOutcome?
        manager.acquire(resource) { outcome = $0 }
        _ = until { outcome != nil }
        return outcome
    }

    func lease(_ resource: String, _ manager: LockManager) -> Lease? {
        if case .acquired(let lease) = acquire(resource, manager) { lease } else { nil }
    }

    func extend(_ lease: Lease, _ manager: LockManager) -> ExtendOutcome? {
        var outcome: ExtendOutcome?
        manager.extend(lease) { outcome = $0 }
        _ = until { outcome != nil }
        return outcome
    }

    func release(_ lease: Lease, _ manager: LockManager) -> Bool {
        var isReleased = false
        manager.release(lease) { isReleased = true }
        return until { isReleased }
    }

    /// The tokens that the nodes hold for a resource; nil where there is none. The nodes must be alive.
    func tokens(of resource: String, at indices: some Sequence<Int> = 0..<5) throws -> [String?] {
        try indices.map { try servers[$0].ask("GET", .text("lock:\(resource)")).text }
    }

    /// Waits until no node holds the resource.
    func waitUntilFree(_ resource: String) throws -> Bool {
        let end = MonotonicTime.now() + Self.patience
        while try tokens(of: resource).contains(where: { $0 != nil }) {
            if MonotonicTime.now() > end { return false }
            loop.run(atMost: .milliseconds(5)) { false }
        }
        return true
    }
}
