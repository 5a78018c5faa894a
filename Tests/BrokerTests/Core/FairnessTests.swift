import Methods
import Sales
import SeededTestSupport
import Testing
import Wire

@testable import Broker

@Suite struct FairnessTests {
    private func scene(credit: Int32) -> (CoreHarness, Int32) {
        var broker = CoreHarness {
            $0.maximumCalls = 1_024; $0.maximumCallsPerClient = 1_024
        }
        let worker = broker.worker(11, credit: [credit, 1, 1])
        broker.own(0, by: worker, fence: 1)
        return (broker, worker)
    }

    @Test func `a client that asks for little is not behind one that asks for much`() {
        var (broker, _) = scene(credit: 2)
        let (greedy, modest) = (broker.client(1), broker.client(2))
        var sent = (1...60).flatMap { broker.call($0, from: greedy, partition: 0) }
        for callID: UInt64 in 1...3 { broker.call(callID, from: modest, partition: 0) }
        var order: [Int32] = []
        for _ in 0..<8 {
            let next = broker.answer(sent.removeFirst())
            order += next.map { broker.core.table[$0.slot].client }
            sent += next
            #expect(broker.violations() == [])
        }
        #expect(order == [greedy, modest, greedy, modest, greedy, modest, greedy, greedy])
    }

    @Test func `what a client waits for is not lengthened by another's queue`() {
        var (broker, _) = scene(credit: 1)
        let (greedy, modest) = (broker.client(1), broker.client(2))
        // Nothing is known of the worker yet, so a hundred a second are assumed and a second is the most.
        for callID: UInt64 in 1...150 { broker.call(callID, from: greedy, partition: 0) }
        #expect(broker.verdict(150, to: greedy)?.reason == .overloaded)
        #expect(broker.call(1, from: modest, partition: 0).isEmpty)
        #expect(broker.answers(1, to: modest) == [])
    }

    @Test func `the bytes kept for one client leave room for others`() {
        var broker = CoreHarness { $0.maximumKeptBytes = 10_000 }
        let (greedy, modest) = (broker.client(1), broker.client(2))
        let worker = broker.worker(11, credit: [100, 1, 1])
        broker.own(0, by: worker, fence: 1)
        var sent = (1...9).flatMap { broker.call($0, from: greedy, partition: 0, size: 936) }
        #expect(sent.count == 5)
        #expect(broker.verdict(6, to: greedy)?.reason == .overloaded)
        #expect(broker.call(1, from: modest, partition: 0, size: 936).count == 1)
        broker.answer(sent.removeFirst())
        #expect(broker.core.keptBytes == 5_000)
        #expect(broker.call(10, from: greedy, partition: 0, size: 936).count == 1)
        #expect(broker.violations() == [])
    }

    @Test func `one client does not park all that may be parked`() {
        var broker = CoreHarness { $0.maximumParked = 8 }
        let (greedy, modest) = (broker.client(1), broker.client(2))
        _ = broker.worker(11)
        for callID: UInt64 in 1...9 { broker.call(callID, from: greedy, partition: 0) }
        #expect(broker.core.parkedCount == 4)
        #expect(broker.verdict(5, to: greedy)?.reason == .noOwner)
        broker.call(1, from: modest, partition: 0)
        #expect(broker.core.parkedCount == 5)
    }

    @Test(arguments: 1...20) func `a queue gives each client its turn, whoever leaves it`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var queue = FairQueue()
        var links = CallLinks(capacity: 64)
        var waiting: [(slot: Int32, client: Int32)] = []
        var free = Array(Int32(0)..<64)
        for _ in 0..<2_000 {
            if let slot = free.popLast(), !random.oneIn(3) {
                let client = Int32(random.number(1...6))
                queue.append(slot, of: client, &links)
                waiting.append((slot, client))
            } else if let index = waiting.indices.randomElement(using: &random) {
                // Either the one whose turn it is, or anybody.
                let slot = random.oneIn(2) ? queue.first : waiting[index].slot
                let place = waiting.firstIndex { $0.slot == slot }!
                let client = waiting[place].client
                let wasTurn = slot == queue.first
                queue.remove(slot, of: client, &links)
                waiting.remove(at: place)
                free.append(slot)
                if wasTurn, queue.flowCount > 1 {
                    let next = waiting.first { $0.slot == queue.first }!
                    #expect(next.client != client)
                }
            }
            #expect(queue.count == waiting.count)
            #expect(queue.flowCount == Set(waiting.map(\.client)).count)
            // Within a client, first come first served.
            if queue.first >= 0 {
                let first = waiting.first { $0.slot == queue.first }!
                #expect(waiting.first { $0.client == first.client }!.slot == queue.first)
            }
        }
    }

    @Test(arguments: 1...10) func `an index finds every call by its name, and no other`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var table = CallTable(capacity: 128, secret: UInt64(seed) &* 0x1234_5678_9abc_def1)
        var known: [Int32: (UInt64, Int32)] = [:]
        for _ in 0..<5_000 {
            if random.oneIn(2) {
                var call = Call()
                call.clientCallID = UInt64(random.number(1...60))
                call.client = Int32(random.number(0...5))
                guard table.slot(of: call.clientCallID, client: call.client) == nil else { continue }
                if let slot = table.insert(call) { known[slot] = (call.clientCallID, call.client) }
            } else if let slot = known.keys.sorted().randomElement(using: &random) {
                table.free(slot)
                known[slot] = nil
            }
            if random.oneIn(50) {
                for callID: UInt64 in 1...60 {
                    for client: Int32 in 0...5 {
                        let slot = known.first { $0.value == (callID, client) }?.key
                        #expect(table.slot(of: callID, client: client) == slot)
                    }
                }
            }
        }
    }
}
