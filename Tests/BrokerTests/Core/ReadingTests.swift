import Methods
import Testing
import Wire

@testable import Broker

/// Nobody fills the broker's memory with answers that he does not read.
@Suite struct ReadingTests {
    @Test func `a client that reads is asked now and then and never cut off`() {
        var broker = CoreHarness { $0.maximumUnreadBytesPerClient = 1 << 20 }
        let client = broker.client(1)
        for _ in 0..<1_000 {
            broker.core.sent(50_000, to: client)
            broker.perform()
            for (_, number) in broker.asked { broker.core.pong(number, from: client) }
            broker.asked = []
        }
        #expect(broker.cutOff.isEmpty)
        #expect(broker.core.unreadBytes < ReadingProof.askingStep)
        #expect(broker.violations() == [])
    }

    @Test func `a client that does not read is cut off, and its streams are cancelled`() {
        var broker = CoreHarness { $0.maximumUnreadBytesPerClient = 1 << 20 }
        let client = broker.client(1)
        _ = broker.worker(11, credit: [4, 4, 4, 4])
        let sent = broker.freeCall(1, from: client, flags: .stream)
        while broker.cutOff.isEmpty {
            broker.core.sent(100_000, to: client)
            broker.perform()
            // A guess is no proof.
            broker.core.pong(77, from: client)
        }
        #expect(broker.asked.count == 1)
        #expect(broker.core.clients[Int(client)]!.isMuted)
        #expect(broker.core.clients[Int(client)]!.reading.unread <= (1 << 20) + 100_000)
        #expect(broker.cancelled == [sent[0].id])
        #expect(broker.core.table.count == 0)
        broker.pass(.seconds(61))
        #expect(broker.core.clients[Int(client)] == nil)
        #expect(broker.core.unreadBytes == 0)
    }

    @Test func `many that do not read share a bound`() {
        var broker = CoreHarness { $0.maximumUnreadBytes = 10 << 20 }
        let clients = (1...40).map { broker.client($0) }
        for _ in 0..<100 {
            for client in clients where broker.core.clients[Int(client)]?.isMuted == false {
                broker.core.sent(100_000, to: client)
                broker.perform()
            }
        }
        #expect(broker.core.unreadBytes < 30 << 20)
        #expect(broker.cutOff.count == 40)
    }

    @Test func `an answer proves what was sent before the question, not after`() {
        var proof = ReadingProof()
        proof.sent(1_000_000)
        #expect(proof.isTimeToAsk)
        proof.ask(5)
        proof.sent(300_000)
        #expect(!proof.isTimeToAsk)
        var read = [proof.answered(6), proof.answered(5)]
        #expect(read == [0, 1_000_000])
        #expect(proof.unread == 300_000)
        read = [proof.answered(5)]
        #expect(read == [0])
        proof.ask(9)
        proof.answered(since: 8)
        #expect(proof.unread == 300_000)
        proof.answered(since: 10)
        #expect(proof.unread == 0)
    }

    @Test func `calls wait for a worker that has not read for a while`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        broker.core.workers[Int(worker)]!.reading.sent(WorkerState.maximumUnread)
        #expect(broker.call(1, from: client, partition: 0).isEmpty)
        broker.core.askedWorker(Int(worker), broker.now)
        broker.beat(worker)
        #expect(broker.pass(.milliseconds(10), hearing: [worker]).count == 1)
    }
}
