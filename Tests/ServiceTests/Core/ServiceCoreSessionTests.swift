import Testing
import Wire

@testable import Service

@Suite struct ServiceCoreSessionTests {
    @Test func `a session begins with READY and is joined with the first beat`() {
        var core = ServiceCore(
            configuration: HostConfiguration(), brokers: 1, methods: [], now: MonotonicTime(nanoseconds: 0))
        core.tick(MonotonicTime(nanoseconds: 0)) { 0 }
        #expect(core.actions == [.connect(broker: 0)])
        core.tick(MonotonicTime(nanoseconds: 1)) { 0 }
        #expect(core.actions.last == .introduce(broker: 0))
        core.introduced(0)
        let isFirst = core.beat(stamp: 7, from: 0)
        let isSecond = core.beat(stamp: 8, from: 0)
        #expect(isFirst && !isSecond)
        #expect(core.sessions[0].stamp == 8 && core.sessions[0].state == .joined)
    }

    @Test func `a silent broker is lost with its calls, and tried again`() {
        let harness = CoreHarness(brokers: 2)
        _ = harness.call(from: 0)
        let (_, id) = harness.call(from: 1)
        for _ in 0..<3 {
            harness.tick(after: .seconds(1))
            harness.core.heard(from: 1, harness.now)
        }
        #expect(harness.actions() == [.stop(slot: 0), .drop(broker: 0)])
        #expect(harness.core.finish(harness.core.table.token(0))?.to == nil)
        #expect(harness.core.finish(harness.core.table.token(1))?.to?.callID == id)
        harness.tick(after: .milliseconds(100))
        #expect(harness.actions() == [.connect(broker: 0)])
    }

    @Test func `a broker that says when to come back is obeyed`() {
        let harness = CoreHarness()
        harness.core.lost(0, after: .seconds(1), harness.now, random: 0)
        // Noticed twice, by a send and a message, it is one loss.
        harness.core.lost(0, harness.now, random: 0)
        #expect(harness.actions() == [.drop(broker: 0)])
        harness.tick(after: .milliseconds(999))
        #expect(harness.actions().isEmpty)
        harness.tick(after: .milliseconds(1))
        #expect(harness.actions() == [.connect(broker: 0)])
    }

    @Test func `calls of two brokers may have the same name`() {
        let harness = CoreHarness(brokers: 2)
        #expect(harness.call(id: 9, from: 0).admission == .start(slot: 0, method: 1))
        #expect(harness.call(id: 9, from: 1).admission == .start(slot: 1, method: 1))
        harness.core.cancel(9, from: 1)
        #expect(harness.actions() == [.stop(slot: 1)])
    }

    @Test func `a draining host makes no new sessions`() {
        let harness = CoreHarness()
        harness.core.drain()
        harness.core.lost(0, harness.now, random: 0)
        _ = harness.actions()
        harness.tick(after: .seconds(10))
        #expect(harness.actions().isEmpty)
    }
}
