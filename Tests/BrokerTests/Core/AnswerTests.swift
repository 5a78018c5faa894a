import Methods
import Sales
import Testing
import Wire

@testable import Broker

@Suite struct AnswerTests {
    @Test func `only the worker that has the call may answer or return it`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 1)
        let sent = broker.call(1, from: client, partition: 0)[0]
        broker.answer(sent, by: workers[1])
        broker.handBack(sent, by: workers[1])
        for id: UInt64 in [0, .max, sent.id &+ 1, sent.id ^ 1 << 32] {
            broker.answer(CoreHarness.Sent(slot: sent.slot, worker: workers[0], id: id))
        }
        #expect(broker.answers(1, to: client).isEmpty)
        #expect(broker.core.counters.lateAnswers == 6)
        broker.answer(sent)
        #expect(broker.answers(1, to: client) == [.delivered(.executed)])
        broker.answer(sent)
        #expect(broker.answers(1, to: client).count == 1)
    }

    @Test func `a client cannot ask for a partition, a worker can`() {
        var broker = CoreHarness()
        let owner = broker.worker(11, methods: [SystemMethods.yield.id])
        broker.own(0, by: owner, fence: 1)
        var header = Header(.call)
        header.callID = 1
        header.method = SystemMethods.yield.id
        header.flags = [.end, .keyed, .partition]
        let client = broker.client(1)
        broker.core.call(header, size: 100, from: client, broker.now)
        #expect(
            broker.core.effects == [
                .refuse(
                    client: client, callID: 1,
                    Verdict(status: .permissionDenied, certainty: .notExecuted, reason: .unknownMethod))
            ])
        broker.perform()
        let peer = broker.core.client(CoreHarness.identity(12), isWorker: true, broker.now)!
        broker.core.call(header, size: 100, from: peer, broker.now)
        #expect(broker.core.effects.contains { if case .send = $0 { true } else { false } })
        broker.perform()
    }

    @Test func `an answer of an earlier call in the same slot is dropped`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        let first = broker.call(1, from: client, partition: 0)[0]
        broker.core.cancel(1, from: client)
        broker.perform()
        let second = broker.call(2, from: client, partition: 0)[0]
        #expect(first.slot == second.slot)
        broker.answer(first)
        #expect(broker.answers(2, to: client).isEmpty)
    }

    @Test func `a returned call is routed again, is not maybe, and cannot go round for ever`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        var fence: Int64 = 1
        broker.own(0, by: worker, fence: fence)
        var sent = broker.call(1, from: client, partition: 0)
        var times = 0
        while times < 100, broker.answers(1, to: client).isEmpty {
            times += 1
            sent = broker.handBack(sent[0])
            // Twice from the same worker: it does not own the partition. It claims it anew each time.
            if sent.isEmpty, broker.answers(1, to: client).isEmpty {
                fence += 1
                sent = broker.own(0, by: worker, fence: fence)
            }
        }
        #expect(times == 8)
        #expect(broker.verdict(1, to: client)?.status == .unavailable)
        #expect(broker.verdict(1, to: client)?.certainty == .notExecuted)
        #expect(broker.core.table.count == 0)
    }

    @Test func `a returned call goes to the next owner`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 1)
        let sent = broker.call(1, from: client, partition: 0)[0]
        broker.disown(0, by: workers[0], fence: 1)
        #expect(broker.handBack(sent).isEmpty)
        let again = broker.own(0, by: workers[1], fence: 2)
        #expect(again.map(\.worker) == [workers[1]])
        broker.answer(again[0], status: .failedPrecondition, certainty: .notExecuted)
        #expect(broker.answers(1, to: client) == [.delivered(.notExecuted)])
    }

    @Test func `a worker that returns a call twice is treated as if it had disowned`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        broker.beat(worker, gates: [broker.gate(0, fence: 1)])
        let sent = broker.call(1, from: client, partition: 0, flags: .retry)
        broker.call(2, from: client, partition: 0, flags: .retry)
        broker.handBack(broker.handBack(sent[0])[0])
        #expect(broker.core.partitions[0].owner == -1)
        #expect(broker.core.gates.isEmpty)
        #expect(broker.core.parkedCount == 2)
        #expect(broker.violations() == [])
    }

    @Test func `a free call is not routed again`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        _ = broker.worker(11)
        broker.handBack(broker.freeCall(1, from: client)[0])
        #expect(broker.verdict(1, to: client)?.certainty == .notExecuted)
    }

    // MARK: Time

    @Test func `an overdue call is maybe only if somebody had it`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        let sent = broker.call(1, from: client, partition: 0, milliseconds: 100)
        broker.call(2, from: client, partition: 0, milliseconds: 100)
        broker.pass(.milliseconds(90), hearing: [worker])
        #expect(broker.core.table.count == 2)
        broker.now = broker.now + .milliseconds(20)
        broker.core.tick(broker.now)
        #expect(broker.core.effects.contains(.cancel(worker: worker, id: sent[0].id)))
        broker.perform()
        #expect(broker.verdict(1, to: client)?.certainty == .maybeExecuted)
        #expect(broker.verdict(2, to: client)?.certainty == .notExecuted)
        for callID: UInt64 in 1...2 {
            #expect(broker.verdict(callID, to: client)?.status == .deadlineExceeded)
        }
        broker.answer(sent[0])
        #expect(broker.answers(1, to: client).count == 1)
    }

    @Test(arguments: [(UInt32(0), Int64(30)), (1_000, 1), (.max, 300)])
    func `a call has a deadline in any case`(milliseconds: UInt32, seconds: Int64) {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        let sent = broker.call(1, from: client, partition: 0, milliseconds: milliseconds)
        #expect(broker.core.table[sent[0].slot].deadline == broker.now + .seconds(seconds))
    }

    // MARK: Clients

    @Test func `a cancelled call ends at once, and its worker is told`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let other = broker.client(2)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        let sent = broker.call(1, from: client, partition: 0)
        broker.call(2, from: client, partition: 0)
        broker.call(3, from: client, partition: 1)
        broker.core.cancel(1, from: other)
        broker.core.cancel(77, from: client)
        #expect(broker.core.effects.isEmpty)
        broker.core.cancel(2, from: client)
        broker.core.cancel(3, from: client)
        #expect(!broker.core.effects.contains { if case .cancel = $0 { true } else { false } })
        broker.core.cancel(1, from: client)
        #expect(broker.core.effects.contains(.cancel(worker: worker, id: sent[0].id)))
        broker.perform()
        #expect(broker.verdict(1, to: client)?.certainty == .maybeExecuted)
        #expect(broker.verdict(2, to: client)?.certainty == .notExecuted)
        #expect(broker.verdict(3, to: client)?.certainty == .notExecuted)
        #expect(broker.core.table.count == 0)
    }

    @Test func `the answers of a lost client are dropped`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        let sent = broker.call(1, from: client, partition: 0)
        broker.call(2, from: client, partition: 0)
        broker.call(3, from: client, partition: 1)
        broker.core.clientLost(client)
        broker.perform()
        #expect(broker.core.table.count == 0)
        #expect(broker.core.parkedCount == 0)
        broker.answer(sent[0])
        #expect(broker.answers(1, to: client).isEmpty)
        #expect(broker.violations() == [])
    }

    @Test func `a worker that calls is a client of its own, and goes with its session`() {
        var broker = CoreHarness()
        let worker = broker.worker(11)
        let owner = broker.worker(12)
        broker.own(0, by: owner, fence: 1)
        let asWorker = broker.core.client(CoreHarness.identity(11), isWorker: true, broker.now)!
        let asClient = broker.core.client(CoreHarness.identity(11), broker.now)!
        #expect(asWorker != asClient)
        broker.call(1, from: asWorker, partition: 0, priority: .system)
        broker.lose(worker)
        #expect(broker.core.clients[Int(asWorker)] == nil)
        #expect(broker.core.clients[Int(asClient)] != nil)
        #expect(broker.core.table.count == 0)
    }
}
