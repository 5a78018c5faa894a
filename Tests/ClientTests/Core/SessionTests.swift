import Testing
import Wire

@testable import Client

@Suite struct SessionTests {
    @Test func `a call waits for a session and goes when one is up`() {
        var client = CoreHarness(brokers: 2)
        client.tick()
        #expect(client.opened == [0, 1])
        client.begin()
        #expect(client.sent.isEmpty)
        client.core.connected(1, now: client.now)
        client.tick()
        #expect(client.pinged == [1])
        #expect(client.sent.isEmpty)
        client.receive(Header(.pong), from: 1)
        #expect(client.sent.map(\.broker) == [1])
    }

    @Test func `calls go round the sessions that are up`() {
        var client = CoreHarness.up(brokers: 3)
        client.lose(1)
        for _ in 0..<6 { client.begin() }
        #expect(client.sent.filter { $0.broker == 0 }.count == 3)
        #expect(client.sent.filter { $0.broker == 2 }.count == 3)
    }

    @Test func `a pinned call waits for its broker`() {
        var client = CoreHarness.up(brokers: 2)
        client.lose(1)
        let slot = client.begin(deadline: .seconds(1), pin: 1)
        client.pass(.milliseconds(1_010))
        #expect(client.sent.isEmpty)
        #expect(client.endings.map(\.slot) == [slot])
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
    }

    @Test func `an idle session pings every second and stays up`() {
        var client = CoreHarness.up(brokers: 1)
        let before = client.pinged.count
        client.pass(.milliseconds(10_500))
        #expect((9...10).contains(client.pinged.count - before))
        #expect(client.dropped.isEmpty)
    }

    @Test func `a busy session does not ping`() {
        var client = CoreHarness.up(brokers: 1)
        let before = client.pinged.count
        for _ in 0..<20 {
            client.begin()
            client.pass(.milliseconds(200))
            client.answer(client.sent[client.sent.count - 1], .ok)
        }
        #expect(client.pinged.count == before)
    }

    @Test func `three seconds of silence end a session`() {
        var client = CoreHarness.up(brokers: 1)
        client.pass(.milliseconds(2_900), answeringPings: false)
        #expect(client.dropped.isEmpty)
        client.pass(.milliseconds(200), answeringPings: false)
        #expect(client.dropped == [0])
    }

    @Test func `our own pause is not the broker's silence`() {
        var client = CoreHarness.up(brokers: 1)
        client.tick(after: .seconds(60))
        #expect(client.dropped.isEmpty)
        #expect(client.pinged.count == 2)
        client.receive(Header(.pong), from: 0)
        client.pass(.seconds(5))
        #expect(client.dropped.isEmpty)
    }

    @Test func `a lost session's calls are repeated if they may be`() {
        var client = CoreHarness.up(brokers: 2)
        let repeatable = client.begin()
        let other = client.begin(isRepeatable: false)
        client.lose(client.sent[0].broker)
        client.lose(client.sent[1].broker)
        #expect(client.endings.map(\.slot) == [other])
        #expect(client.endings[0].ending.status == .unavailable)
        #expect(client.endings[0].ending.certainty == .maybeExecuted)
        client.pass(.milliseconds(300))
        client.comeUp(0)
        #expect(client.sent.count == 3)
        #expect(client.sent[2].slot == repeatable)
        #expect(client.sent[2].id.attempt == 2)
    }

    @Test func `a lost session costs the budget one failure`() {
        var client = CoreHarness.up(brokers: 2)
        for _ in 0..<1_000 { client.begin() }
        client.lose(0)
        client.pass(.milliseconds(50))
        #expect(client.endings.isEmpty)
        #expect(client.sent.count == 1_500)
        #expect(client.sent[1_000...].allSatisfy { $0.broker == 1 })
    }

    @Test func `a call that the socket did not take has not run`() {
        var client = CoreHarness.up(brokers: 2)
        client.stuck = [0, 1]
        client.begin(deadline: .seconds(1), isRepeatable: false)
        #expect(Set(client.dropped) == [0, 1])
        client.pass(.milliseconds(1_010))
        #expect(client.endings.map(\.ending.status) == [.deadlineExceeded])
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
    }

    @Test func `reconnecting backs off, and starts again after a healthy time`() {
        var client = CoreHarness.up(brokers: 1)
        for failures in 1...5 {
            client.lose(0)
            #expect(client.core.sessions[0].failures == failures)
            let opened = client.opened.count
            while client.opened.count == opened { client.pass(.milliseconds(10)) }
            client.comeUp(0)
        }
        client.pass(.seconds(31))
        client.lose(0)
        #expect(client.core.sessions[0].failures == 1)
    }

    @Test func `a connection that is not established in time is given up`() {
        var client = CoreHarness(brokers: 1)
        client.tick()
        client.pass(.milliseconds(990))
        #expect(client.dropped.isEmpty)
        client.pass(.milliseconds(100))
        #expect(client.dropped == [0])
    }

    @Test func `a draining broker gets no new calls, and finishes the old`() {
        var client = CoreHarness.up(brokers: 2)
        client.begin()
        client.begin()
        let old = client.sent
        client.receive(Header(.goAway), from: 0)
        for _ in 0..<4 { client.begin() }
        #expect(client.sent[2...].allSatisfy { $0.broker == 1 })
        client.tick(after: .milliseconds(50))
        #expect(client.dropped.isEmpty)
        for attempt in old { client.answer(attempt, .ok) }
        #expect(client.endings.count == 2)
        client.tick(after: .milliseconds(50))
        #expect(client.dropped == [0])
    }

    @Test func `a broker's ping is answered with its number, in order`() {
        var client = CoreHarness.up(brokers: 1)
        for nonce in [UInt64(7), 9, 8] {
            var ping = Header(.ping)
            ping.callID = nonce
            client.receive(ping, from: 0)
        }
        #expect(client.ponged == [7, 9, 8])
    }

    @Test func `a session that only listens says every five seconds that it lives`() {
        var client = CoreHarness.up(brokers: 1)
        client.begin(deadline: .seconds(60))
        let before = client.pinged.count
        for _ in 0..<110 {
            client.pass(.milliseconds(100))
            client.receive(Header(.pong), from: 0)
        }
        #expect(client.pinged.count == before + 2)
    }

    @Test(arguments: [Header.Kind.call, .ready, .beat, .own, .cancel])
    func `a message that no broker sends is counted and dropped`(kind: Header.Kind) {
        var client = CoreHarness.up(brokers: 1)
        client.begin()
        client.receive(Header(kind), from: 0)
        #expect(client.core.counts.malformed == 1)
        #expect(client.endings.isEmpty)
    }
}
