import Testing
import Wire

@testable import Client

@Suite struct CallTests {
    @Test func `a call without a session ends as not executed at its deadline`() {
        var client = CoreHarness(brokers: 1)
        client.begin(deadline: .milliseconds(300))
        client.pass(.milliseconds(299))
        #expect(client.endings.isEmpty)
        client.pass(.milliseconds(10))
        #expect(client.endings.map(\.ending.status) == [.deadlineExceeded])
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
    }

    @Test func `a call that was sent ends as maybe executed at its deadline`() {
        var client = CoreHarness.up()
        client.begin(deadline: .milliseconds(300))
        client.pass(.milliseconds(310))
        #expect(client.endings.map(\.ending.status) == [.deadlineExceeded])
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted])
        #expect(client.cancelled.isEmpty)
    }

    @Test func `the deadline's ending tells what the last attempt was refused for`() {
        var client = CoreHarness.up()
        client.begin(deadline: .milliseconds(300), attempts: 15)
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner, retryAfter: 290)
        client.lose(0)
        client.lose(1)
        client.pass(.milliseconds(310))
        #expect(client.endings.map(\.ending.reason) == [.noOwner])
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
    }

    @Test func `a deadline that has passed is not waited for`() {
        var client = CoreHarness.up()
        client.begin(deadline: .zero)
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
        #expect(client.sent.isEmpty)
    }

    @Test func `cancelling withdraws the attempt that was sent`() {
        var client = CoreHarness.up()
        let slot = client.begin()
        client.cancel(slot)
        #expect(client.cancelled == [client.sent[0].id])
        #expect(client.endings.map(\.ending.status) == [.cancelled])
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted])
        client.answer(client.sent[0], .cancelled, .notExecuted)
        #expect(client.endings.count == 1)
    }

    @Test func `cancelling what waits says that it did not run`() {
        var client = CoreHarness(brokers: 1)
        client.cancel(client.begin())
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
        #expect(client.cancelled.isEmpty)
    }

    @Test func `an answer that comes twice counts once`() {
        var client = CoreHarness.up()
        client.begin()
        client.answer(client.sent[0], .ok)
        client.answer(client.sent[0], .ok)
        #expect(client.endings.count == 1)
        #expect(client.core.counts.lateAnswers == 1)
    }

    @Test func `an old answer never ends the call that has its slot now`() {
        var client = CoreHarness.up()
        let first = client.begin()
        client.answer(client.sent[0], .ok)
        let second = client.begin()
        #expect(first == second)
        client.answer(client.sent[0], .ok)
        #expect(client.endings.count == 1)
    }

    @Test(arguments: [UInt64(0), 1, 0xffff_fff1, .max])
    func `an answer to a call that never was is dropped`(id: UInt64) {
        var client = CoreHarness.up()
        client.begin()
        var header = Header(.result)
        header.callID = id
        client.receive(header, from: 0)
        #expect(client.endings.isEmpty)
    }

    @Test func `the table is bounded and its slots are used again`() {
        var client = CoreHarness.up { $0.maximumCallsInFlight = 3 }
        for _ in 0..<3 { client.begin() }
        #expect(client.begin() == -1)
        client.answer(client.sent[1], .ok)
        #expect(client.begin() == client.sent[1].slot)
        #expect(client.core.callsInFlight == 3)
    }

    @Test func `closing ends every call, each with what is known of it`() {
        var client = CoreHarness.up(brokers: 1)
        client.begin()
        client.begin(pin: 0)
        client.answer(client.sent[1], .unavailable, .notExecuted, .noOwner, retryAfter: 1_000)
        client.close()
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted, .notExecuted])
        #expect(client.endings.allSatisfy { $0.ending.cause == .closing })
        #expect(client.dropped == [0])
    }

    @Test func `no two attempts share an id, and none is zero`() {
        var client = CoreHarness.up()
        for round in 0..<50 {
            client.begin(attempts: 2)
            client.answer(client.sent[client.sent.count - 1], .unavailable, .notExecuted, .noOwner)
            client.pass(.milliseconds(20))
            if round % 2 == 0 { client.answer(client.sent[client.sent.count - 1], .ok) }
        }
        let ids = client.sent.map(\.id.rawValue)
        #expect(Set(ids).count == ids.count)
        #expect(!ids.contains(0))
    }
}
