import Redis
import RedisTestSupport
import Testing
import Wire
import ZeroMQ

@testable import Redlock

@Suite struct `Watched nodes` {
    @Test func `a server that becomes evicting or a replica while it runs is refused, and taken back`() throws
    {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        try cluster.servers[0].ask("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        try cluster.servers[1].ask("REPLICAOF", "127.0.0.1", "1")
        #expect(cluster.until { manager.nodes[0].refusal?.contains("volatile-ttl") == true })
        #expect(cluster.until { manager.nodes[1].refusal?.contains("replica") == true })
        #expect(cluster.lease("sale", manager) != nil)
        try cluster.servers[0].ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        try cluster.servers[1].ask("REPLICAOF", "NO", "ONE")
        #expect(cluster.until { manager.nodes.allSatisfy { $0.refusal == nil } })
    }

    @Test func `a flushed majority lets nobody take what was taken, until it has ended`() throws {
        let cluster = try LockCluster()
        let (one, other) = (cluster.manager(ttl: .seconds(2)), cluster.manager(ttl: .seconds(2)))
        let start = MonotonicTime.now()
        let lease = try #require(cluster.lease("sale", one))
        // The servers are younger than the lease; what they were before is not the question here.
        #expect(cluster.until { .now() > start + .seconds(4) })
        one.setQuarantine(true)
        other.setQuarantine(true)
        let held = try #require(cluster.lease("other", one))
        for server in cluster.servers.prefix(3) { try server.ask("FLUSHALL") }
        // The two others say that it is held; which of the two is told depends on who answers first.
        #expect(cluster.lease("other", other) == nil)
        #expect(cluster.extend(held, one) == .noQuorum)
        #expect(other.nodes.prefix(3).allSatisfy { $0.isQuarantined })
        #expect(other.waitForQuorum.map { $0 > .zero } == true)
        #expect(cluster.until { cluster.lease("other", other) != nil })
        #expect(MonotonicTime.now() >= held.validUntil)
        #expect(lease.validUntil < held.validUntil)
    }

    @Test func `a server whose clock jumps does not vote until the longest lease has ended`() throws {
        let clock = try ShiftedClock()
        let servers =
            [try RedisServer(environment: clock.environment)]
            + (try RedisServer.start(count: 2))
        let loop = EventLoop()
        loop.schedule(every: .milliseconds(5)) {}
        let manager = LockManager(
            nodes: servers.map(\.address),
            configuration: LockConfiguration(
                ttl: .seconds(2), nodeTimeout: .seconds(1), quarantine: false), loop: loop,
            random: { UInt64.random(in: 0...UInt64.max) })
        defer { manager.close() }
        var events: [(NodeEvent, RedisAddress)] = []
        manager.onEvent = { events.append(($0, $1)) }
        #expect(loop.run(atMost: LockCluster.patience) { manager.nodes.allSatisfy(\.isConnected) })
        manager.acquire("sale") { _ in }
        #expect(loop.run(atMost: LockCluster.patience) { manager.nodes[0].votes.yes == 1 })
        #expect(events.isEmpty)
        try clock.shift(by: .seconds(100))
        #expect(loop.run(atMost: LockCluster.patience) { manager.nodes[0].absence == .suspended })
        #expect(events.map(\.1) == [servers[0].address])
        guard case .clockSet(let amount) = events.first?.0 else {
            Issue.record("\(events)")
            return
        }
        #expect(amount > .seconds(90) && amount <= .seconds(100))
        #expect(loop.run(atMost: LockCluster.patience) { manager.nodes[0].absence == nil })
    }
}
