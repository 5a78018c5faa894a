import Methods
import Sales
import Testing
import Wire

@testable import Broker

@Suite final class GateTests {
    private var broker = CoreHarness()
    private let client: Int32
    private let owner: Int32
    private let other: Int32
    private var callID: UInt64 = 0

    init() {
        client = broker.client(1)
        owner = broker.worker(11, credit: [1_000, 10, 10])
        other = broker.worker(12, credit: [1_000, 10, 10])
        broker.own(0, by: owner, fence: 5)
        broker.own(1, by: owner, fence: 5)
    }

    /// Whether a new call is answered at the door.
    private func isClosed(_ partition: Int = 0, flags: Header.Flags = []) -> Bool {
        callID += 1
        let sent = broker.call(callID, from: client, partition: partition, flags: flags)
        if let call = sent.first {
            broker.answer(call)
            return false
        }
        let expected = Verdict(status: .failedPrecondition, certainty: .notExecuted, reason: .soldOut)
        let isRefused = broker.verdict(callID, to: client) == expected
        if !isRefused {
            // Parked: nobody owns the partition, and the gate let it pass.
            broker.core.cancel(callID, from: client)
            broker.perform()
        }
        return isRefused
    }

    @Test func `a closed gate answers for its sale only`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        #expect(isClosed())
        #expect(!isClosed(1))
        #expect(broker.core.counters.gateRefusals == 1)
    }

    @Test func `retries and other methods pass`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        #expect(!isClosed(flags: .retry))
        var header = Header(.call)
        header.callID = 999
        header.method = CoreHarness.free
        header.flags = .keyed
        header.routing = CoreHarness.routing(0)
        broker.core.call(header, size: 100, from: client, broker.now)
        #expect(broker.perform().count == 1)
    }

    @Test func `as many pass a gate as it lets, and each beat lets as many anew`() {
        var gate = broker.gate(0, fence: 5)
        gate.passes = 2
        broker.beat(owner, gates: [gate])
        #expect([isClosed(), isClosed(), isClosed(), isClosed()] == [false, false, true, true])
        broker.beat(owner, gates: [gate])
        #expect([isClosed(), isClosed(), isClosed()] == [false, false, true])
    }

    @Test func `a gate tells what may come back`() throws {
        var gate = broker.gate(0, fence: 5)
        gate.outlook = Outlook(held: 3, next: LedgerTime(rawValue: 77), waiting: 2)
        broker.beat(owner, gates: [gate])
        var header = Header(.call)
        header.callID = 7_000
        header.method = CoreHarness.keyed
        header.flags = [.end, .keyed]
        header.routing = CoreHarness.routing(0)
        broker.core.call(header, size: 100, from: client, broker.now)
        var bodies: [FailureBody] = []
        for case .refuse(_, _, let verdict) in broker.core.effects where verdict.body >= 0 {
            let bytes = broker.core.bodies[Int(verdict.body)]
            var offset = 0
            bodies.append(try FailureBody(decoding: bytes.span, at: &offset))
        }
        #expect(bodies.map(\.held) == [3] && bodies.map(\.waiting) == [2])
        #expect(bodies.map(\.next) == [LedgerTime(rawValue: 77)])
    }

    @Test func `a gate lapses unless it is repeated`() {
        for _ in 0..<10 {
            broker.beat(owner, gates: [broker.gate(0, fence: 5)])
            broker.pass(.milliseconds(400), hearing: [owner, other])
            #expect(isClosed())
        }
        broker.pass(.milliseconds(90), hearing: [owner, other])
        #expect(isClosed())
        broker.pass(.milliseconds(10), hearing: [owner, other])
        #expect(!isClosed())
    }

    @Test func `a gate is never closed longer than its lease after the stamp that is echoed`() {
        let stamp = broker.now
        broker.pass(.milliseconds(450), hearing: [owner, other])
        broker.beat(owner, gates: [broker.gate(0, fence: 5)], stamp: stamp)
        #expect(isClosed())
        broker.pass(.milliseconds(40), hearing: [owner, other])
        #expect(isClosed())
        broker.pass(.milliseconds(10), hearing: [owner, other])
        #expect(!isClosed())
        // The same beat again, late: it says nothing any more.
        broker.beat(owner, gates: [broker.gate(0, fence: 5)], stamp: stamp)
        #expect(!isClosed())
    }

    @Test(arguments: [1, 1_000_000_000, Int64.max / 2] as [Int64])
    func `a stamp from the future closes nothing`(
        ahead: Int64
    ) {
        let stamp = broker.now + TimeAmount(nanoseconds: ahead)
        broker.beat(owner, gates: [broker.gate(0, fence: 5)], stamp: stamp)
        #expect(!isClosed())
        broker.own(2, by: owner, fence: 5, gates: [broker.gate(2, fence: 5)], stamp: stamp)
        #expect(!isClosed(2))
    }

    @Test(arguments: [Int64.min, -1, 0] as [Int64]) func `a stamp from before all time closes nothing`(
        stamp: Int64
    ) {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)], stamp: MonotonicTime(nanoseconds: stamp))
        #expect(!isClosed())
    }

    @Test func `a gate that is no longer listed is open at once`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5), broker.gate(1, fence: 5)])
        broker.beat(owner, gates: [broker.gate(1, fence: 5)])
        #expect(!isClosed())
        #expect(isClosed(1))
    }

    @Test func `a claim carries the gates that are closed from the start`() {
        broker.own(2, by: owner, fence: 5, gates: [broker.gate(2, fence: 5)])
        #expect(isClosed(2))
        #expect(broker.violations() == [])
    }

    @Test func `only the owner closes a gate, under its fence, for its own partition`() {
        broker.beat(other, gates: [broker.gate(0, fence: 5)])
        #expect(!isClosed())
        broker.beat(owner, gates: [broker.gate(0, fence: 4), broker.gate(0, fence: 6)])
        #expect(!isClosed())
        var wrong = broker.gate(0, fence: 5)
        wrong.routing = CoreHarness.routing(1)
        broker.beat(owner, gates: [wrong])
        #expect(!isClosed(1))
        broker.own(3, by: other, fence: 2)
        broker.beat(owner, gates: [broker.gate(3, fence: 2)])
        #expect(!isClosed(3))
        #expect(broker.core.gates.isEmpty)
    }

    @Test func `a gate opens when its owner disowns`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        broker.disown(0, by: owner, fence: 5)
        #expect(!isClosed())
        #expect(broker.violations() == [])
    }

    @Test func `a gate opens when a higher fence is heard`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        broker.own(0, by: other, fence: 6)
        #expect(!isClosed())
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        #expect(!isClosed())
        broker.beat(other, gates: [broker.gate(0, fence: 6)])
        #expect(isClosed())
        broker.own(0, by: other, fence: 7)
        #expect(!isClosed())
    }

    @Test func `a gate opens when the session ends`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        broker.lose(owner)
        #expect(!isClosed())
        #expect(broker.core.gates.isEmpty)
    }

    @Test func `a new incarnation opens every gate`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        broker.lose(other)
        broker.own(1, by: owner, fence: 9, incarnation: "b")
        #expect(!isClosed())
    }

    @Test func `status lists closed gates only`() {
        broker.beat(owner, gates: [broker.gate(0, fence: 5)])
        #expect(broker.core.status(broker.now).gates.map(\.partition) == [Partition(rawValue: 0)])
        #expect(broker.core.status(broker.now + .milliseconds(500)).gates.isEmpty)
    }
}
