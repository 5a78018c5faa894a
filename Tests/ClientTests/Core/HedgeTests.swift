import Testing
import Wire

@testable import Client

@Suite struct HedgeTests {
    /// One call whose second attempt is open.
    private func hedged(brokers: Int = 2, attempts: UInt8 = 5) -> CoreHarness {
        var client = CoreHarness.up(brokers: brokers)
        client.begin(attempts: attempts, hedge: .after(.milliseconds(20)))
        client.pass(.milliseconds(30))
        return client
    }

    @Test func `a slow first attempt gets a second, at another broker and marked as a retry`() {
        let client = hedged()
        #expect(client.sent.count == 2)
        #expect(client.sent[0].broker != client.sent[1].broker)
        #expect(client.sent.map(\.id.attempt) == [1, 2])
        #expect(client.core.counts.hedges == 1)
    }

    @Test(arguments: [0, 1])
    func `the first yes wins, and the other attempt is cancelled`(winner: Int) {
        var client = hedged()
        client.answer(client.sent[winner], .ok)
        #expect(client.endings.map(\.ending.status) == [.ok])
        #expect(client.cancelled == [client.sent[1 - winner].id])
        client.answer(client.sent[1 - winner], .ok)
        #expect(client.endings.count == 1)
        #expect(client.core.counts.lateAnswers == 1)
    }

    /// How two attempts were refused, and what that makes of the call.
    static let refusals: [(Certainty, Certainty, Status, Certainty)] = [
        (.executed, .executed, .failedPrecondition, .executed),
        (.executed, .notExecuted, .failedPrecondition, .executed),
        (.notExecuted, .executed, .failedPrecondition, .executed),
        (.executed, .maybeExecuted, .failedPrecondition, .maybeExecuted),
        (.maybeExecuted, .executed, .failedPrecondition, .maybeExecuted),
    ]

    @Test(arguments: refusals)
    func `a refusal waits for the other attempt`(
        first: Certainty, second: Certainty, status: Status, certainty: Certainty
    ) {
        var client = hedged()
        for (index, certainty) in [first, second].enumerated() {
            #expect(client.endings.isEmpty)
            client.answer(
                client.sent[index], certainty == .executed ? .failedPrecondition : .unavailable, certainty)
        }
        #expect(client.endings.map(\.ending.status) == [status])
        #expect(client.endings.map(\.ending.certainty) == [certainty])
        // The words of the refusal that counts are those that came with it.
        let isHeld = first == .executed
        #expect(client.endings.map(\.ending.cause) == [isHeld ? .heldAnswer : .answer])
    }

    @Test func `two failures that pass lead to a third attempt`() {
        var client = hedged()
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 2)
        client.answer(client.sent[1], .unavailable, .maybeExecuted, .ownerLost)
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 3)
        client.answer(client.sent[2], .ok)
        #expect(client.endings.map(\.ending.status) == [.ok])
    }

    @Test func `a lost session leaves the other attempt alone`() {
        var client = hedged()
        client.lose(client.sent[0].broker)
        #expect(client.endings.isEmpty)
        client.answer(client.sent[1], .failedPrecondition, .executed, .soldOut)
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted])
    }

    @Test func `cancelling withdraws both attempts`() {
        var client = hedged()
        client.cancel(0)
        #expect(Set(client.cancelled) == Set(client.sent.map(\.id)))
        #expect(client.endings.count == 1)
    }

    @Test func `a fast answer is never hedged`() {
        var client = CoreHarness.up()
        client.begin(hedge: .after(.milliseconds(20)))
        client.answer(client.sent[0], .ok)
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 1)
    }

    @Test func `a call is hedged once`() {
        var client = hedged(brokers: 3)
        client.pass(.seconds(2))
        #expect(client.sent.count == 2)
    }

    @Test func `what may not run twice is not hedged`() {
        var client = CoreHarness.up()
        client.begin(isRepeatable: false, hedge: .after(.milliseconds(20)))
        client.begin(attempts: 1, hedge: .after(.milliseconds(20)))
        client.begin(pin: 0, hedge: .after(.milliseconds(20)))
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 3)
    }

    @Test func `one broker is not asked twice`() {
        var client = CoreHarness.up()
        client.begin(hedge: .after(.milliseconds(20)))
        client.lose(1 - client.sent[0].broker)
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 1)
    }

    @Test func `hedges stay under the budget`() {
        var client = CoreHarness.up()
        for _ in 0..<30 { client.begin(isRepeatable: true, attempts: 2, hedge: .after(.milliseconds(20))) }
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 60)
        // The service gave no outcome, so nothing was won back.
        for slot in 0..<30 { client.cancel(slot) }
        for _ in 0..<30 { client.begin(isRepeatable: true, attempts: 2, hedge: .after(.milliseconds(20))) }
        client.pass(.milliseconds(100))
        #expect(client.sent.count == 90)
    }

    @Test func `a measured delay needs enough calls and follows them`() {
        var client = CoreHarness.up()
        for _ in 0..<LatencyMemory.enough {
            client.begin(hedge: .percentile(95, atLeast: .milliseconds(1)))
            client.pass(.milliseconds(40))
            client.answer(client.sent[client.sent.count - 1], .ok)
        }
        #expect(client.core.counts.hedges == 0)
        client.begin(hedge: .percentile(95, atLeast: .milliseconds(1)))
        client.pass(.milliseconds(36))
        #expect(client.core.counts.hedges == 0)
        client.pass(.milliseconds(20))
        #expect(client.core.counts.hedges == 1)
    }
}

@Suite struct LatencyMemoryTests {
    @Test(arguments: [Int64(3), 50, 900, 12_345, 5_000_000])
    func `a percentile is exact to an eighth`(microseconds: Int64) throws {
        var memory = LatencyMemory()
        for _ in 0..<100 { memory.record(.microseconds(microseconds), of: MethodID(rawValue: 1)) }
        let percentile = try #require(memory.percentile(95, of: MethodID(rawValue: 1)))
        #expect(percentile >= .microseconds(microseconds))
        #expect(percentile <= .microseconds(microseconds + max(1, microseconds / 7)))
    }

    @Test func `new calls displace old ones`() throws {
        var memory = LatencyMemory()
        for _ in 0..<2_000 { memory.record(.milliseconds(100), of: MethodID(rawValue: 1)) }
        for _ in 0..<20_000 { memory.record(.milliseconds(1), of: MethodID(rawValue: 1)) }
        #expect(try #require(memory.percentile(95, of: MethodID(rawValue: 1))) < .milliseconds(2))
    }

    @Test func `more methods than the limit are not measured`() {
        var memory = LatencyMemory()
        for method in 0..<100 {
            for _ in 0..<40 { memory.record(.milliseconds(1), of: MethodID(rawValue: UInt64(method))) }
        }
        #expect(memory.percentile(50, of: MethodID(rawValue: 63)) != nil)
        #expect(memory.percentile(50, of: MethodID(rawValue: 64)) == nil)
    }
}
