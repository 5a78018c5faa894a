import Redis
import RedisTestSupport
import Resilience
import Testing
import Wire
import ZeroMQ

@testable import Redlock

@Suite struct `Lock manager` {
    @Test func `of two managers one gets the lease, the other is told when to come back`() throws {
        let cluster = try LockCluster()
        let (one, other) = (cluster.manager(), cluster.manager())
        let lease = try #require(cluster.lease("sale", one))
        #expect(lease.validUntil - .now() < .seconds(5))
        guard case .held(let retryAfter?) = cluster.acquire("sale", other) else {
            return #expect(Bool(false), "the lease was not held")
        }
        #expect(retryAfter > .zero && retryAfter <= .seconds(5))
        #expect(try cluster.tokens(of: "sale") == Array(repeating: lease.token.description, count: 5))
        #expect(cluster.release(lease, one))
        #expect(try cluster.tokens(of: "sale") == [nil, nil, nil, nil, nil])
        #expect(cluster.lease("sale", other) != nil)
    }

    @Test func `many contenders at once have at most one winner`() throws {
        let cluster = try LockCluster()
        let managers = (0..<4).map { _ in cluster.manager() }
        for round in 0..<20 {
            var outcomes: [AcquireOutcome] = []
            for manager in managers { manager.acquire("sale \(round)") { outcomes.append($0) } }
            #expect(cluster.until { outcomes.count == managers.count })
            let winners = outcomes.filter { if case .acquired = $0 { true } else { false } }
            #expect(winners.count <= 1)
            #expect(!outcomes.contains(.noQuorum))
        }
    }

    @Test func `64 leases are taken and renewed at once`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        var leases: [Lease] = []
        for index in 0..<64 {
            manager.acquire("sale \(index)") { if case .acquired(let lease) = $0 { leases.append(lease) } }
        }
        #expect(cluster.until { leases.count == 64 })
        var extended: [Lease] = []
        for lease in leases {
            manager.extend(lease) { if case .extended(let lease) = $0 { extended.append(lease) } }
        }
        #expect(cluster.until { extended.count == 64 })
        #expect(Set(extended.map(\.token)) == Set(leases.map(\.token)))
        for (old, new) in zip(leases, extended) { #expect(new.validUntil > old.validUntil) }
    }

    // MARK: Fewer nodes

    enum Blow: CaseIterable { case kill, pause, flush }

    @Test(arguments: Blow.allCases)
    func `two of five nodes do not matter`(blow: Blow) throws {
        let cluster = try LockCluster()
        let (one, other) = (cluster.manager(), cluster.manager())
        let before = try #require(cluster.lease("before", one))
        for server in cluster.servers.prefix(2) {
            switch blow {
            case .kill: server.kill()
            case .pause: server.pause()
            case .flush: try server.ask("FLUSHALL")
            }
        }
        guard case .extended(let after) = cluster.extend(before, one) else {
            return #expect(Bool(false), "not extended")
        }
        #expect(after.validUntil > before.validUntil)
        #expect(after.token == before.token)
        let lease = try #require(cluster.lease("during", one))
        for resource in ["before", "during"] {
            guard case .held = cluster.acquire(resource, other) else {
                return #expect(Bool(false), "\(resource) was not held")
            }
        }
        #expect(cluster.release(lease, one))
        #expect(cluster.lease("during", other) != nil)
    }

    @Test func `nodes that lost the key get it again from an extension`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        let lease = try #require(cluster.lease("sale", manager))
        for server in cluster.servers.prefix(2) { try server.ask("FLUSHALL") }
        guard case .extended = cluster.extend(lease, manager) else {
            return #expect(Bool(false), "not extended")
        }
        let end = MonotonicTime.now() + LockCluster.patience
        while try cluster.tokens(of: "sale").contains(nil), .now() < end {
            cluster.loop.run(atMost: .milliseconds(5)) { false }
        }
        #expect(try cluster.tokens(of: "sale") == Array(repeating: lease.token.description, count: 5))
    }

    @Test func `with three nodes dead the answer does not wait for a timeout`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager(ttl: .seconds(120), nodeTimeout: .seconds(60))
        let lease = try #require(cluster.lease("sale", manager))
        for server in cluster.servers.prefix(3) { server.kill() }
        #expect(cluster.until { manager.nodes.prefix(3).allSatisfy { !$0.isConnected } })
        // The node timeout is far beyond the patience of these calls.
        #expect(cluster.acquire("other", manager) == .noQuorum)
        #expect(cluster.extend(lease, manager) == .noQuorum)
        #expect(try cluster.tokens(of: "other", at: 3..<5) == [nil, nil])
        #expect(
            try cluster.tokens(of: "sale", at: 3..<5) == [lease.token.description, lease.token.description])
        for server in cluster.servers.prefix(3) { try server.restart() }
        #expect(cluster.until { manager.nodes.allSatisfy(\.isConnected) })
        #expect(cluster.lease("other", manager) != nil)
    }

    @Test func `a paused majority is given up by our own timer, and its late yes is taken back`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager(ttl: .seconds(60), nodeTimeout: .milliseconds(100))
        for server in cluster.servers.prefix(3) { server.pause() }
        #expect(cluster.acquire("sale", manager) == .noQuorum)
        #expect(manager.nodes.prefix(3).map(\.votes.timeout) == [1, 1, 1])
        for server in cluster.servers.prefix(3) { server.resume() }
        // The TTL is far beyond the test's patience: only the releases can free the keys.
        #expect(cluster.until { manager.nodes.prefix(3).allSatisfy { $0.votes.late == 1 } })
        #expect(try cluster.waitUntilFree("sale"))
        #expect(cluster.lease("sale", manager) != nil)
    }

    @Test func `a late yes of a won attempt stays until the release`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager(ttl: .seconds(60), nodeTimeout: .milliseconds(500))
        cluster.servers[0].pause()
        let lease = try #require(cluster.lease("sale", manager))
        #expect(cluster.until { manager.nodes[0].votes.timeout == 1 })
        cluster.servers[0].resume()
        #expect(cluster.until { manager.nodes[0].votes.late == 1 })
        #expect(try cluster.tokens(of: "sale", at: [0]) == [lease.token.description])
        #expect(cluster.release(lease, manager))
        #expect(try cluster.waitUntilFree("sale"))
    }

    @Test func `a paused node is not asked again until it has answered`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager(ttl: .milliseconds(300), nodeTimeout: .milliseconds(50))
        cluster.servers[0].pause()
        // A second in all: well over the TTL, and well under the bound on commands in flight.
        for _ in 0..<100 where manager.nodes[0].votes.error == 0 {
            _ = cluster.acquire("sale", manager)
            cluster.loop.run(atMost: .milliseconds(10)) { false }
        }
        #expect(manager.nodes[0].votes.error > 0)
        #expect(manager.nodes[0].votes.timeout > 0)
        #expect(cluster.until { manager.nodes[0].absence == .silent })
        #expect(cluster.until { manager.nodes[0].breaker != .closed })
        cluster.servers[0].resume()
        #expect(cluster.until { manager.nodes[0].breaker == .closed })
        #expect(manager.nodes[0].absence == nil)
        let yes = manager.nodes[0].votes.yes
        #expect(
            cluster.until {
                if let lease = cluster.lease("sale", manager) { manager.release(lease) }
                return manager.nodes[0].votes.yes > yes
            })
    }

    // MARK: Losing a lease

    @Test func `an extension is refused when another holds the key`() throws {
        let cluster = try LockCluster()
        let (one, other) = (cluster.manager(), cluster.manager())
        let lost = try #require(cluster.lease("sale", one))
        for server in cluster.servers { try server.ask("FLUSHALL") }
        let lease = try #require(cluster.lease("sale", other))
        #expect(cluster.extend(lost, one) == .taken)
        #expect(cluster.release(lost, one))
        #expect(try cluster.tokens(of: "sale") == Array(repeating: lease.token.description, count: 5))
        guard case .extended = cluster.extend(lease, other) else {
            return #expect(Bool(false), "not extended")
        }
    }

    @Test func `after FLUSHALL of a majority the lease has vanished and can be taken anew`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        let lost = try #require(cluster.lease("sale", manager))
        for server in cluster.servers.prefix(3) { try server.ask("FLUSHALL") }
        #expect(cluster.extend(lost, manager) == .vanished)
        let lease = try #require(cluster.lease("sale", manager))
        #expect(lease.token != lost.token)
        #expect(try cluster.tokens(of: "sale") == Array(repeating: lease.token.description, count: 5))
    }

    @Test func `a lease is not extended after its own end, even if the nodes still hold it`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        let lease = try #require(cluster.lease("sale", manager))
        let ended = Lease(resource: "sale", token: lease.token, validUntil: .now())
        #expect(cluster.extend(ended, manager) == .vanished)
        #expect(try cluster.waitUntilFree("sale"))
    }

    @Test func `a release while an extension is under way wins`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        let lease = try #require(cluster.lease("sale", manager))
        var outcome: ExtendOutcome?
        manager.extend(lease) { outcome = $0 }
        #expect(cluster.release(lease, manager))
        #expect(cluster.until { outcome != nil })
        #expect(outcome == .vanished)
        #expect(try cluster.waitUntilFree("sale"))
    }

    // MARK: Who may vote

    @Test func `a restarted node does not vote until the longest lease has ended`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager(ttl: .milliseconds(600), longestTTL: .milliseconds(600))
        manager.setQuarantine(true)
        #expect(cluster.acquire("sale", manager) == .noQuorum, "all five are young")
        manager.setQuarantine(false)
        #expect(cluster.lease("other", manager) != nil, "a new cluster has nothing to forget")
        manager.setQuarantine(true)
        #expect(cluster.until { manager.nodes.allSatisfy { !$0.isQuarantined } })

        let end = MonotonicTime.now() + .milliseconds(600)
        cluster.servers[0].kill()
        #expect(cluster.until { !manager.nodes[0].isConnected })
        try cluster.servers[0].restart()
        #expect(cluster.until { manager.nodes[0].isConnected })
        #expect(manager.nodes[0].isQuarantined)
        let votes = manager.nodes[0].votes
        let lease = try #require(cluster.lease("third", manager))
        #expect(cluster.until { manager.nodes[0].votes.error == votes.error + 1 })
        #expect(manager.nodes[0].votes.yes == votes.yes)
        #expect(cluster.release(lease, manager))
        #expect(cluster.until { !manager.nodes[0].isQuarantined })
        #expect(MonotonicTime.now() >= end)
        #expect(cluster.lease("fourth", manager) != nil)
        #expect(cluster.until { manager.nodes[0].votes.yes == votes.yes + 1 })
    }

    @Test func `an evicting server and a replica are refused with a reason`() throws {
        let cluster = try LockCluster()
        try cluster.servers[0].ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        try cluster.servers[1].ask("REPLICAOF", "127.0.0.1", "1")
        let manager = cluster.manager()
        #expect(manager.nodes[0].refusal?.contains("allkeys-lru") == true)
        #expect(manager.nodes[1].refusal?.contains("replica") == true)
        let lease = try #require(cluster.lease("sale", manager))
        #expect(cluster.until { manager.nodes.prefix(2).allSatisfy { $0.votes.error == 1 } })
        let token = lease.token.description
        #expect(try cluster.tokens(of: "sale") == [nil, nil, token, token, token])
    }

    @Test func `a server with two addresses votes once`() throws {
        let server = try RedisServer(.tcp)
        let port = server.address.description.split(separator: ":")[1]
        let loop = EventLoop()
        let manager = LockManager(
            nodes: [server.address, try RedisAddress("localhost:\(port)")],
            configuration: LockConfiguration(ttl: .seconds(5), quarantine: false), loop: loop,
            random: { UInt64.random(in: 0...UInt64.max) })
        defer { manager.close() }
        #expect(loop.run(atMost: LockCluster.patience) { manager.nodes.allSatisfy(\.isConnected) })
        #expect(manager.nodes.filter { $0.refusal?.contains("same server") == true }.count == 1)
        var outcome: AcquireOutcome?
        manager.acquire("sale") { outcome = $0 }
        #expect(loop.run(atMost: LockCluster.patience) { outcome != nil })
        #expect(outcome == .noQuorum)
    }

    @Test func `a release owed to a node that was cut off is made good`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager(ttl: .seconds(60))
        let lease = try #require(cluster.lease("sale", manager))
        #expect(cluster.until { manager.nodes[0].votes.yes == 1 })
        // The server keeps its keys and cuts all connections.
        try cluster.servers[0].ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(cluster.until { !manager.nodes[0].isConnected })
        manager.release(lease)
        #expect(try cluster.waitUntilFree("sale"))
    }

    @Test func `closing ends what is outstanding`() throws {
        let cluster = try LockCluster()
        let manager = cluster.manager()
        for server in cluster.servers { server.pause() }
        var outcome: AcquireOutcome?
        manager.acquire("sale") { outcome = $0 }
        manager.close()
        #expect(cluster.until { outcome != nil })
        #expect(outcome == .noQuorum)
    }
}
