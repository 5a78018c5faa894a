import Testing
import Wire

@testable import Service

@Suite struct ServiceCoreStreamTests {
    @Test func `items come in order until the last`() {
        let harness = CoreHarness()
        let (slot, id, _) = harness.openStream()
        #expect(harness.data(id, 0) == .item(slot: slot, isLast: false))
        #expect(harness.data(id, 1, isLast: true) == .item(slot: slot, isLast: true))
        #expect(harness.actions().isEmpty)
    }

    @Test func `an end without a body is no item`() {
        let harness = CoreHarness()
        let (slot, id, _) = harness.openStream()
        for sequence in 0..<16 { _ = harness.data(id, UInt32(sequence)) }
        // It needs no credit either.
        #expect(harness.data(id, 16, isEmpty: true, isLast: true) == .end(slot: slot))
    }

    private static let breaches: [@Sendable (CoreHarness, UInt64) -> Void] = [
        { _ = $0.data($1, 1) },
        { harness, id in for _ in 0..<2 { _ = harness.data(id, 0) } },
        { harness, id in for sequence in 0..<17 { _ = harness.data(id, UInt32(sequence)) } },
        { harness, id in
            _ = harness.data(id, 0, isLast: true)
            _ = harness.data(id, 1)
        },
        { _ = $0.credit($1, 15) },
        { _ = $0.credit($1, 1_025) },
    ]

    @Test(arguments: breaches.indices)
    func `who breaks the rules of credit loses the stream`(breach: Int) {
        let harness = CoreHarness()
        let (slot, id, _) = harness.openStream()
        ServiceCoreStreamTests.breaches[breach](harness, id)
        let told = harness.actions().compactMap(\.told)
        #expect(told.map(\.slot) == [slot])
        #expect(told.first?.status == .internal && told.first?.reason == .flowControl)
        #expect(told.first?.certainty == .maybeExecuted)
        // What follows is late.
        #expect(harness.data(id, 0) == .none)
    }

    @Test func `a unary call has no items`() {
        let harness = CoreHarness()
        let (_, id) = harness.call()
        #expect(harness.data(id, 0) == .none)
        #expect(harness.actions().compactMap(\.told).first?.reason == .flowControl)
    }

    @Test func `reading allows more`() {
        let harness = CoreHarness()
        let (slot, id, token) = harness.openStream()
        for sequence in 0..<16 { _ = harness.data(id, UInt32(sequence)) }
        #expect(harness.core.grant(token, 24) == .init(broker: 0, callID: id, sent: 0))
        #expect(harness.data(id, 16) == .item(slot: slot, isLast: false))
        _ = harness.data(id, 17, isEmpty: true, isLast: true)
        // Whoever has said that there are no more needs no leave to send.
        #expect(harness.core.grant(token, 40) == nil)
    }

    @Test func `replies count up to the caller's credit`() {
        let harness = CoreHarness()
        let (slot, id, token) = harness.openStream()
        for sequence in 0..<16 {
            #expect(harness.core.send(token) == .init(broker: 0, callID: id, sent: UInt32(sequence)))
        }
        #expect(harness.core.send(token) == nil)
        #expect(harness.credit(id, 17) == slot)
        #expect(harness.core.send(token)?.sent == 16)
        #expect(harness.core.finish(token)?.to?.sent == 17)
        #expect(harness.core.send(token) == nil)
    }

    @Test func `the broker's credit may be as far ahead as the page says`() {
        let harness = CoreHarness()
        let (slot, id, token) = harness.openStream()
        #expect(harness.credit(id, 1_024) == slot)
        _ = harness.core.send(token)
        #expect(harness.credit(id, 1_025) == slot)
        #expect(harness.credit(id, 1_025) == slot)
        #expect(harness.actions().isEmpty)
    }
}
