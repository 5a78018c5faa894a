import Redis
import Resilience
import Testing
import Wire

@testable import Redlock

@Suite struct `Redlock core` {
    // MARK: Clocks and memory

    @Test(arguments: [TimeAmount.seconds(3_600), .zero - .seconds(3_600), .milliseconds(40)])
    func `a node whose clock was set does not vote until the longest lease has ended`(step: TimeAmount) throws
    {
        let cluster = try ModelCluster()
        let lease = try #require(cluster.lease("sale"))
        cluster.nodes[0].offset = step
        cluster.run(for: RedlockCore.lookInterval + .milliseconds(10))
        let note = try #require(cluster.notes.first)
        guard case .clockSet(let amount) = note.event else {
            Issue.record("\(note) is no step of the clock")
            return
        }
        #expect(note.node == 0 && (amount > .zero) == (step > .zero))
        #expect(cluster.core.status(cluster.now)[0].absence == .suspended)

        let before = cluster.sent[0]?[.acquire]
        #expect(cluster.lease("other") != nil, "four nodes are enough")
        #expect(cluster.sent[0]?[.acquire] == before)
        guard case .extended = cluster.extend(lease) else {
            Issue.record("not extended")
            return
        }
        #expect(
            cluster.nodes[0].keys["sale"]?.token == lease.token, "it is to know the lease when it votes again"
        )

        cluster.run(for: .seconds(3) + Validity.drift(of: .seconds(3)))
        #expect(cluster.core.status(cluster.now)[0].absence == nil)
        #expect(cluster.lease("third") != nil)
        #expect(cluster.sent[0]?[.acquire] == (before ?? 0) + 1)
        #expect(cluster.notes.count == 1)
    }

    @Test func `silence opens a node's breaker, however many good votes came before it`() throws {
        let cluster = try ModelCluster()
        var lease = try #require(cluster.lease("sale"))
        for _ in 0..<200 {
            guard case .extended(let extended) = cluster.extend(lease) else {
                Issue.record("not extended")
                return
            }
            lease = extended
        }
        cluster.nodes[0].isPaused = true
        cluster.run(for: .seconds(5))
        #expect(cluster.core.status(cluster.now)[0].absence == .silent)
        #expect(cluster.core.status(cluster.now)[0].breaker != .closed)
        #expect(cluster.core.status(cluster.now)[1].breaker == .closed)
        cluster.nodes[0].isPaused = false
        cluster.run(for: .seconds(3))
        #expect(cluster.core.status(cluster.now)[0].absence == nil)
        #expect(cluster.core.status(cluster.now)[0].breaker == .closed)
    }

    @Test func `a majority whose clocks jump lets nobody take what was taken`() throws {
        let cluster = try ModelCluster()
        _ = try #require(cluster.lease("sale"))
        for node in 0..<3 { cluster.nodes[node].offset = .seconds(10) }
        // Their keys have run out, by their own clocks, and nobody has looked yet.
        #expect(cluster.acquire("sale") == .noQuorum)
        #expect(cluster.notes.count == 3)
    }

    @Test func `a flushed node does not vote until the longest lease has ended`() throws {
        let cluster = try ModelCluster()
        let lease = try #require(cluster.lease("sale"))
        for node in 0..<3 { cluster.nodes[node].flush() }
        #expect(cluster.acquire("sale") == .noQuorum)
        #expect(cluster.extend(lease) == .noQuorum, "who holds it knows nothing against it")
        #expect(cluster.notes.map(\.event) == [.forgot, .forgot, .forgot])
        let wait = try #require(cluster.waitForQuorum())
        #expect(wait > .seconds(2) && wait < .seconds(4))
        cluster.run(for: wait)
        #expect(cluster.lease("sale") != nil)
    }

    @Test func `a node that forgets while quarantine is off votes on`() throws {
        let cluster = try ModelCluster(quarantine: false)
        let lease = try #require(cluster.lease("sale"))
        for node in 0..<3 { cluster.nodes[node].flush() }
        #expect(cluster.extend(lease) == .vanished)
    }

    // MARK: Breakers

    @Test func `a node that does not vote in time is not asked, but told, and asked again when it is well`()
        throws
    {
        let cluster = try ModelCluster(ttl: .seconds(60))
        let held = try #require(cluster.lease("held"))
        cluster.nodes[0].isPaused = true
        for round in 0..<30 { _ = try #require(cluster.lease("sale \(round)")) }
        #expect(cluster.core.status(cluster.now)[0].breaker != .closed)
        let asked = cluster.sent[0]!
        for round in 0..<10 {
            let lease = try #require(cluster.lease("late \(round)"))
            cluster.core.release(lease, cluster.now)
        }
        guard case .extended = cluster.extend(held) else {
            Issue.record("not extended")
            return
        }
        #expect(cluster.sent[0]![.acquire] == asked[.acquire])
        #expect(cluster.sent[0]![.release] == (asked[.release] ?? 0) + 10)
        #expect(cluster.sent[0]![.extend] == (asked[.extend] ?? 0) + 1)

        cluster.nodes[0].isPaused = false
        cluster.run(for: .seconds(5))
        #expect(cluster.core.status(cluster.now)[0].breaker == .closed)
        _ = cluster.lease("again")
        #expect(cluster.sent[0]![.acquire] == asked[.acquire]! + 1)
    }

    @Test func `without a quorum to ask nothing is sent, and the time to come back is known`() throws {
        let cluster = try ModelCluster()
        for node in 0..<3 { cluster.core.lost(node, cluster.now) }
        let sent = cluster.sent
        #expect(cluster.waitForQuorum() == .milliseconds(250))
        #expect(cluster.acquire("sale") == .noQuorum)
        #expect(cluster.sent == sent)
        for node in 0..<3 { cluster.core.connected(node, ModelCluster.info(node), cluster.now) }
        #expect(cluster.waitForQuorum() == nil)
        #expect(cluster.lease("sale") != nil)
    }

    // MARK: Split votes

    /// Two contenders, of whom each reaches half of four nodes first.
    private func contend(leaderFirst: Bool) throws -> [AcquireOutcome] {
        let (one, other) = (try ModelCluster(4), try ModelCluster(4))
        one.core.acquire("sale", token: LeaseToken(rawValue: 1), id: 1, leaderFirst: leaderFirst, one.now)
        other.core.acquire("sale", token: LeaseToken(rawValue: 2), id: 1, leaderFirst: leaderFirst, other.now)
        var nodes = one.nodes
        var outcomes: [AcquireOutcome] = []
        // Each turn, what both have sent reaches the nodes: of the even ones the first's before the other's.
        for turn in 0..<5 {
            let now = one.now + .milliseconds(Int64(turn))
            let (mine, theirs) = (one.core.takeEffects(), other.core.takeEffects())
            for node in 0..<4 {
                for isMine in node % 2 == 0 ? [true, false] : [false, true] {
                    for case .send(let command, to: node) in isMine ? mine : theirs {
                        let reply = nodes[node].execute(command, now)
                        if isMine {
                            one.core.replied(command, by: node, reply, now)
                        } else {
                            other.core.replied(command, by: node, reply, now)
                        }
                    }
                }
            }
            for case .acquired(_, let outcome) in mine + theirs { outcomes.append(outcome) }
        }
        return outcomes
    }

    @Test func `contenders that split the votes all lose, and with a leader one wins`() throws {
        #expect(try contend(leaderFirst: false) == [.held(retryAfter: nil), .held(retryAfter: nil)])
        let outcomes = try contend(leaderFirst: true)
        #expect(outcomes.count == 2)
        #expect(outcomes.filter { if case .acquired = $0 { true } else { false } }.count == 1)
        #expect(outcomes.contains(.held(retryAfter: nil)))
    }

    @Test func `a leader that is away is not waited for`() throws {
        let cluster = try ModelCluster()
        for node in 0..<2 { cluster.core.lost(node, cluster.now) }
        for resource in ["a", "b", "c", "d", "e"] {
            guard case .acquired = cluster.acquire(resource, leaderFirst: true) else {
                Issue.record("\(resource) was not acquired")
                continue
            }
        }
    }

    @Test(arguments: 0..<5)
    func `a leader that hangs ends the try alone, and the next goes without it`(leader: Int) throws {
        let cluster = try ModelCluster()
        let everybody = cluster.core.candidates(cluster.now)
        let resource = try #require(
            (0..<100).map { "sale \($0)" }.first {
                cluster.core.leader(for: $0, among: everybody) == leader
            })
        cluster.nodes[leader].isPaused = true
        #expect(cluster.acquire(resource, leaderFirst: true) == .noQuorum)
        let asked = (0..<5).filter { cluster.sent[$0]?[.acquire] != nil }
        #expect(asked == [leader], "whoever did not vote in time agreed to nothing")
        #expect(cluster.lease(resource) != nil)
    }

    // MARK: Deadlines

    @Test func `a release that reaches nobody holds up no later deadline`() throws {
        let cluster = try ModelCluster()
        let lease = try #require(cluster.lease("sale"))
        for node in 0..<5 { cluster.core.lost(node, cluster.now) }
        cluster.core.release(lease, id: 99, cluster.now)
        for node in 0..<5 { cluster.core.connected(node, ModelCluster.info(node), cluster.now) }
        for node in 0..<3 { cluster.nodes[node].isPaused = true }
        #expect(cluster.acquire("other") == .noQuorum)
    }
}
