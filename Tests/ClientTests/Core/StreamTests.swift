import Testing
import Wire

@testable import Client

@Suite struct StreamTests {
    private static let forever = TimeAmount(
        nanoseconds: (MonotonicTime.distantFuture - MonotonicTime(nanoseconds: 1_000_000_000_000)).nanoseconds
    )

    /// A client with one stream open, bidirectional unless said otherwise.
    private func opened(
        sends: Bool = true, receives: Bool = true, window: UInt16 = 16, isRepeatable: Bool = true,
        deadline: TimeAmount = StreamTests.forever
    ) -> CoreHarness {
        var client = CoreHarness.up()
        client.begin(
            deadline: deadline, isRepeatable: isRepeatable,
            stream: StreamTerms(sendsItems: sends, receivesItems: receives, window: window))
        return client
    }

    @Test func `items are delivered in order while there is credit`() {
        var client = opened(sends: false)
        for sequence in 0..<16 { client.item(client.sent[0], UInt32(sequence)) }
        #expect(client.delivered.count == 16)
        #expect(client.endings.isEmpty)
    }

    @Test(arguments: [[UInt32(1)], [0, 0], [0, 2], Array(0...16)])
    func `an item out of order or beyond its credit ends the call`(sequences: [UInt32]) {
        var client = opened(sends: false)
        for sequence in sequences { client.item(client.sent[0], sequence) }
        #expect(client.endings.map(\.ending.status) == [.internal])
        #expect(client.endings.map(\.ending.reason) == [.flowControl])
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted])
        #expect(client.cancelled == [client.sent[0].id])
    }

    @Test func `credit is raised when half of it is used up, by what the reader took`() {
        var client = opened(sends: false)
        for sequence in 0..<16 { client.item(client.sent[0], UInt32(sequence)) }
        client.take(7, slot: 0)
        #expect(client.credits.isEmpty)
        client.take(1, slot: 0)
        #expect(client.credits.map(\.total) == [24])
        client.take(8, slot: 0)
        #expect(client.credits.map(\.total) == [24, 32])
        #expect(client.credits.allSatisfy { $0.id == client.sent[0].id })
    }

    @Test func `a wider window is announced at once`() {
        var client = opened(sends: false, window: 256)
        #expect(client.credits.map(\.total) == [256])
        for sequence in 0..<256 { client.item(client.sent[0], UInt32(sequence)) }
        #expect(client.endings.isEmpty)
        client.take(128, slot: 0)
        #expect(client.credits.map(\.total) == [256, 384])
    }

    @Test func `the caller's items are numbered, and its end is no item`() {
        var client = opened()
        #expect(client.send(slot: 0)?.sequence == 0)
        #expect(client.send(slot: 0)?.sequence == 1)
        let end = client.send(slot: 0, isEnd: true)
        #expect(end?.sequence == 2)
        #expect(end?.flags == [.end])
    }

    @Test(
        arguments: [
            ([UInt32(24)], [UInt32(8)]), ([24, 24], [8]), ([24, 20], [8]), ([24, 40], [8, 16]), ([16], []),
            ([0], []), ([100_000], [1_008]),
        ])
    func `credit lets the writer go on, never back and never beyond the limit`(
        totals: [UInt32], permits: [UInt32]
    ) {
        var client = opened()
        for total in totals { client.credit(client.sent[0], total) }
        #expect(client.permitted.map(\.count) == permits)
    }

    @Test func `a result that counts other items than came is a loss of data`() {
        var client = opened(sends: false)
        client.item(client.sent[0], 0)
        client.end(client.sent[0], items: 2)
        #expect(client.endings.map(\.ending.status) == [.dataLoss])
        #expect(client.endings.map(\.ending.certainty) == [.executed])
    }

    @Test func `a result that counts what came is a yes`() {
        var client = opened(sends: false)
        client.item(client.sent[0], 0)
        client.item(client.sent[0], 1)
        client.end(client.sent[0], items: 2)
        #expect(client.endings.map(\.ending.status) == [.ok])
    }

    @Test func `a broker that ends a stream for the worker is not asked for its count`() {
        var client = opened(sends: false, isRepeatable: false)
        client.item(client.sent[0], 0)
        client.answer(client.sent[0], .unavailable, .maybeExecuted, .ownerLost)
        #expect(client.endings.map(\.ending.reason) == [.ownerLost])
    }

    @Test func `a stream that has delivered an item is not sent again`() {
        var client = opened(sends: false)
        client.item(client.sent[0], 0)
        client.answer(client.sent[0], .unavailable, .maybeExecuted, .ownerLost)
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted])
    }

    @Test func `a stream that was given credit is not sent again`() {
        var client = opened()
        client.credit(client.sent[0], 24)
        #expect(client.committed == [0])
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        #expect(client.endings.count == 1)
    }

    @Test func `before that the rules of unary calls hold, and the items are sent again`() {
        var client = opened()
        #expect(client.replayed == [0])
        _ = client.send(slot: 0)
        _ = client.send(slot: 0)
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        #expect(client.endings.isEmpty)
        client.pass(.milliseconds(50))
        #expect(client.sent.map(\.id.attempt) == [1, 2])
        #expect(client.replayed == [0, 0])
        #expect(client.send(slot: 0)?.sequence == 0)
    }

    @Test func `items that the caller has before the call is sent are kept`() {
        var client = CoreHarness(brokers: 1)
        client.begin(stream: StreamTerms(sendsItems: true, receivesItems: true, window: 16))
        #expect(client.core.passage(0) == ClientCore.Passage(isKept: true, isSent: false))
        client.tick()
        client.comeUp(0)
        #expect(client.core.passage(0) == ClientCore.Passage(isKept: true, isSent: true))
        client.credit(client.sent[0], 17)
        #expect(client.core.passage(0) == ClientCore.Passage(isKept: false, isSent: true))
    }

    @Test func `a stream without a deadline goes on, and with one it ends`() {
        var client = opened(sends: false)
        client.pass(.seconds(600))
        #expect(client.endings.isEmpty)
        var hasty = opened(sends: false, deadline: .seconds(1))
        hasty.pass(.milliseconds(1_010))
        #expect(hasty.endings.map(\.ending.status) == [.deadlineExceeded])
    }

    @Test func `cancelling tells the broker, and what comes after is dropped and counted`() {
        var client = opened()
        client.cancel(0)
        #expect(client.cancelled == [client.sent[0].id])
        client.item(client.sent[0], 0)
        client.credit(client.sent[0], 24)
        client.end(client.sent[0], items: 1)
        #expect(client.core.counts.lateItems == 2)
        #expect(client.core.counts.lateAnswers == 1)
        #expect(client.endings.count == 1)
    }

    @Test func `what an earlier attempt says of a stream is dropped`() {
        var client = opened(sends: false)
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        client.pass(.milliseconds(50))
        client.item(client.sent[0], 0)
        client.end(client.sent[0], items: 0)
        #expect(client.delivered.isEmpty)
        #expect(client.endings.isEmpty)
    }

    @Test func `items and credit for a unary call are dropped`() {
        var client = CoreHarness.up()
        client.begin()
        client.item(client.sent[0], 0)
        client.credit(client.sent[0], 24)
        #expect(client.core.counts.lateItems == 2)
        client.answer(client.sent[0], .ok)
        #expect(client.endings.map(\.ending.status) == [.ok])
    }

    @Test func `numbers go on after two to the thirty-second`() {
        var flow = StreamFlow(StreamTerms(sendsItems: true, receivesItems: true))
        (flow.sent, flow.maySend) = (.max, .max)
        let permits = flow.allow(8)
        let sequences = (0..<permits).map { _ in flow.nextToSend(isEnd: false) }
        #expect(sequences == [.max, 0, 1, 2, 3, 4, 5, 6, 7])
        (flow.received, flow.taken, flow.mayReceive) = (.max, .max &- 8, 7)
        let arrivals = [UInt32.max, 0, 1].map { flow.receive($0) }
        #expect(arrivals == [true, true, true])
        let credit = flow.take(8)
        #expect(credit == 15)
    }

    /// A service that breaks no rule and a caller that breaks none, against brokers that do what a seed says.
    @Test(arguments: 1...200)
    func `streams end once, and credit is never exceeded`(seed: Int) {
        var soup = StreamSoup(seed: UInt64(seed))
        for _ in 0..<500 { soup.step() }
        soup.finish()
        #expect(soup.faults.isEmpty)
        #expect(soup.endedCalls == soup.begunCalls)
        #expect(soup.client.core.sessions.allSatisfy { $0.attempts == 0 })
        #expect(soup.client.core.callsInFlight == 0)
    }
}
