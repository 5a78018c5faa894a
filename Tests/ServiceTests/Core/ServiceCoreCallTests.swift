import Testing
import Wire

@testable import Service

@Suite struct ServiceCoreCallTests {
    @Test func `a call begins, and its answer goes where it came from`() throws {
        let harness = CoreHarness()
        let (admission, id) = harness.call()
        #expect(admission == .start(slot: 0, method: 1))
        let ended = harness.core.finish(harness.core.table.token(0))
        let (slot, to) = try #require(ended)
        #expect(slot == 0 && to == .init(broker: 0, callID: id, sent: 0))
        #expect(harness.core.isIdle)
    }

    @Test func `a slot used again is another call`() {
        let harness = CoreHarness()
        _ = harness.call()
        let old = harness.core.table.token(0)
        _ = harness.core.finish(old)
        _ = harness.call()
        #expect(harness.core.finish(old) == nil)
        #expect(!harness.core.isIdle)
    }

    @Test func `inline methods take no slot`() {
        let harness = CoreHarness()
        for _ in 0..<20 { #expect(harness.call(CoreHarness.inline).admission == .inline(method: 0)) }
        #expect(harness.core.isIdle)
    }

    private static let refused: [(MethodID, Header.Flags, CallRefusal)] = [
        (MethodID("nobody's"), .end, .unknownMethod),
        (CoreHarness.unary, [.end, .stream], .wrongKind),
        (CoreHarness.inline, [.end, .stream], .wrongKind),
        (CoreHarness.stream, .end, .wrongKind),
    ]

    @Test(arguments: refused)
    func `what cannot be served is refused`(method: MethodID, flags: Header.Flags, refusal: CallRefusal) {
        let harness = CoreHarness()
        #expect(harness.call(method, flags: flags).admission == .refuse(refusal))
        #expect(harness.core.isIdle)
    }

    @Test(arguments: CallRefusal.allCases)
    func `every refusal is not executed`(refusal: CallRefusal) {
        #expect(refusal.failure.certainty == .notExecuted)
    }

    @Test func `a call without a name, or with that of another, is nothing`() {
        let harness = CoreHarness()
        #expect(harness.call(id: 0).admission == .malformed)
        let (_, id) = harness.call()
        #expect(harness.call(id: id).admission == .malformed)
    }

    @Test func `a service that does not serve refuses, and the others go on`() {
        let harness = CoreHarness()
        harness.core.setServing(0, false)
        #expect(harness.core.servicesNotServing == [0])
        #expect(harness.call().admission == .refuse(.notServing))
        #expect(harness.call(CoreHarness.inline).admission == .refuse(.notServing))
        #expect(harness.call(CoreHarness.stream, flags: .stream).admission == .start(slot: 0, method: 2))
        harness.core.setServing(0, true)
        #expect(harness.call().admission == .start(slot: 1, method: 1))
    }

    @Test func `handlers that go on after their calls keep their places`() {
        let harness = CoreHarness()
        // Places for 2 + 1 + 1 calls and 1 stream.
        let calls = (0..<5).map { _ in harness.call() }
        #expect(harness.call().admission == .refuse(.busy))
        harness.core.cancel(calls[3].id, from: 0)
        #expect(harness.actions() == [.stop(slot: 3)])
        #expect(harness.call().admission == .refuse(.busy))
        #expect(harness.core.finish(harness.core.table.token(3))?.to == nil)
        #expect(harness.call().admission == .start(slot: 3, method: 1))
    }

    @Test func `a cancelled call is answered no more`() {
        let harness = CoreHarness()
        let (_, id) = harness.call()
        harness.core.cancel(id, from: 0)
        harness.core.cancel(id, from: 0)
        #expect(harness.actions() == [.stop(slot: 0)])
        #expect(harness.core.counts.late == 1)
        #expect(harness.core.isIdle)
    }

    @Test func `a call ends at its deadline`() {
        let harness = CoreHarness()
        _ = harness.call(milliseconds: 100)
        _ = harness.call(milliseconds: 50)
        _ = harness.call()
        harness.tick(after: .milliseconds(49))
        #expect(harness.actions().isEmpty)
        harness.tick(after: .milliseconds(1))
        var told = harness.actions().compactMap(\.told)
        #expect(told.map(\.slot) == [1])
        #expect(told.first?.status == .deadlineExceeded && told.first?.certainty == .maybeExecuted)
        harness.tick(after: .milliseconds(50))
        told = harness.actions().compactMap(\.told)
        #expect(told.map(\.slot) == [0])
        harness.tick(after: .seconds(1))
        #expect(harness.actions().isEmpty)
    }

    @Test func `draining hands back what comes and awaits what is there`() {
        let harness = CoreHarness()
        _ = harness.call()
        harness.core.drain()
        #expect(harness.call().admission == .giveBack)
        #expect(harness.call(CoreHarness.inline).admission == .giveBack)
        #expect(!harness.core.isIdle)
        harness.core.endAll()
        let told = harness.actions().compactMap(\.told)
        #expect(told.first?.status == .unavailable && told.first?.certainty == .maybeExecuted)
        #expect(harness.core.isIdle)
    }
}
