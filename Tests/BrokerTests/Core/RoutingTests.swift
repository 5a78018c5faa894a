import Methods
import Sales
import Testing
import Wire

@testable import Broker

@Suite struct RoutingTests {
    @Test func `a keyed call goes to the owner of its partition`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        for partition in 0..<CoreHarness.partitions {
            broker.own(partition, by: workers[partition % 2], fence: 1)
        }
        for partition in 0..<CoreHarness.partitions {
            let sent = broker.call(UInt64(partition + 1), from: client, partition: partition)
            #expect(sent.map(\.worker) == [workers[partition % 2]])
            broker.answer(sent[0])
            #expect(broker.answers(UInt64(partition + 1), to: client) == [.delivered(.executed)])
        }
        #expect(broker.core.table.count == 0)
    }

    @Test func `a call may name its partition`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.own(5, by: worker, fence: 1)
        for (callID, number) in [5, 8, -1, .max].enumerated() {
            var header = Header(.call)
            header.callID = UInt64(callID + 1)
            header.method = CoreHarness.keyed
            header.flags = [.keyed, .partition]
            header.routing.sale = Int64(number)
            broker.core.call(header, size: 100, from: client, broker.now)
            let sent = broker.perform()
            if number == 5 {
                #expect(sent.map(\.worker) == [worker])
            } else {
                let verdict = broker.verdict(UInt64(callID + 1), to: client)
                #expect(verdict?.status == .invalidArgument)
                #expect(verdict?.certainty == .notExecuted)
            }
        }
    }

    @Test func `a free call goes to the least loaded worker that serves it`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [
            broker.worker(11), broker.worker(12), broker.worker(13, methods: [CoreHarness.keyed]),
        ]
        let first = broker.freeCall(1, from: client)
        let second = broker.freeCall(2, from: client)
        #expect(Set((first + second).map(\.worker)) == Set(workers[0...1]))
        let third = broker.freeCall(3, from: client)
        broker.answer(third[0].worker == first[0].worker ? first[0] : second[0])
        broker.answer(third[0])
        let fourth = broker.freeCall(4, from: client)
        #expect(fourth[0].worker == third[0].worker)
    }

    @Test func `a draining worker gets no free calls, an unfit one only for want of another`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 1)
        broker.core.drain(workers[0])
        for callID: UInt64 in 1...3 {
            #expect(broker.freeCall(callID, from: client).map(\.worker) == [workers[1]])
        }
        broker.beat(workers[1], isFit: false)
        let fit = broker.worker(13)
        for callID: UInt64 in 4...6 {
            #expect(broker.freeCall(callID, from: client).map(\.worker) == [fit])
        }
        broker.lose(fit)
        #expect(broker.freeCall(7, from: client).map(\.worker) == [workers[1]])
        broker.core.drain(workers[1])
        broker.freeCall(8, from: client)
        #expect(broker.verdict(8, to: client)?.status == .resourceExhausted)
        #expect(broker.call(9, from: client, partition: 0).map(\.worker) == [workers[0]])
    }

    @Test func `what nobody serves is unimplemented, and unavailable without any worker`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        broker.freeCall(1, from: client)
        let worker = broker.worker(11, methods: [CoreHarness.free])
        broker.own(0, by: worker, fence: 1)
        broker.freeCall(2, from: client, method: MethodID("test.unknown"))
        broker.call(3, from: client, partition: 0)
        let statuses = (1...3).map { broker.verdict($0, to: client)?.status }
        #expect(statuses == [.unavailable, .unimplemented, .unimplemented])
        for callID: UInt64 in 1...3 {
            #expect(broker.verdict(callID, to: client)?.certainty == .notExecuted)
        }
        #expect(broker.core.table.count == 0)
    }

    @Test func `what comes before the first worker waits until it says how many partitions there are`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        #expect(broker.call(1, from: client, partition: 3).isEmpty)
        broker.call(2, from: client, partition: 4)
        broker.core.cancel(2, from: client)
        broker.perform()
        #expect(broker.violations() == [])
        let ready = Ready(
            name: "w", incarnation: "a", partitions: Int32(CoreHarness.partitions), hash: RoutingKey.hashName,
            methods: [CoreHarness.keyed], credit: [1, 1, 1], leaseTTL: 3_000)
        #expect(broker.core.ready(ready, from: CoreHarness.identity(11), broker.now) == true)
        #expect(broker.perform().isEmpty)
        #expect(broker.violations() == [])
        #expect(broker.own(3, by: 0, fence: 1).map { broker.core.table[$0.slot].clientCallID } == [1])
        // Nobody came: it is told so in time.
        var alone = CoreHarness()
        let caller = alone.client(1)
        alone.call(1, from: caller, partition: 0)
        alone.pass(.seconds(5))
        #expect(alone.verdict(1, to: caller)?.reason == .noOwner)
        #expect(alone.violations() == [])
        // From then on there is nothing to wait for.
        alone.call(2, from: caller, partition: 0)
        #expect(alone.verdict(2, to: caller)?.reason == .noOwner)
    }

    @Test func `the broker answers its own status`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        broker.freeCall(1, from: client, method: SystemMethods.brokerStatus.id)
        #expect(broker.answers(1, to: client) == [.own])
    }

    // MARK: Credit

    @Test func `a worker never has more calls than its credit, and the others follow in order`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [2, 1, 1])
        broker.own(0, by: worker, fence: 1)
        var sent = (1...5).flatMap { broker.call($0, from: client, partition: 0) }
        #expect(sent.count == 2)
        #expect(broker.core.workers[Int(worker)]?.waitingCount == 3)
        var order: [UInt64] = []
        while !sent.isEmpty {
            let next = sent.removeFirst()
            order.append(broker.core.table[next.slot].clientCallID)
            sent += broker.answer(next)
            #expect(broker.violations() == [])
        }
        #expect(order == [1, 2, 3, 4, 5])
    }

    @Test func `each priority has credit of its own`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        let normal = broker.call(1, from: client, partition: 0)
        #expect(broker.call(2, from: client, partition: 0).isEmpty)
        #expect(broker.call(3, from: client, partition: 0, priority: .high).count == 1)
        #expect(broker.call(4, from: client, partition: 0, priority: .high).isEmpty)
        #expect(broker.call(5, from: client, partition: 0, priority: .system).count == 1)
        let next = broker.answer(normal[0])
        #expect(next.map { broker.core.table[$0.slot].clientCallID } == [2])
    }

    /// A free call that waits has no copy to send later.
    @Test(arguments: Priority.allCases) func `a free call never waits for credit`(priority: Priority) {
        var broker = CoreHarness()
        let client = broker.client(1)
        var credit: [Int32] = [5, 5, 5]
        credit[Int(priority.rawValue)] = 1
        let worker = broker.worker(11, credit: credit)
        #expect(broker.freeCall(1, from: client, priority: priority).map(\.worker) == [worker])
        #expect(broker.freeCall(2, from: client, priority: priority).isEmpty)
        #expect(broker.verdict(2, to: client)?.status == .resourceExhausted)
        #expect(broker.core.table.count == 1)
    }

    @Test func `credit that a cancelled or overdue call had goes to who waits`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let gone = broker.client(2)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        broker.call(1, from: client, partition: 0)
        broker.call(2, from: client, partition: 0, milliseconds: 500)
        broker.call(3, from: gone, partition: 0)
        broker.call(4, from: client, partition: 0)
        broker.core.cancel(1, from: client)
        var sent = broker.perform() + broker.pass(.milliseconds(20), hearing: [worker])
        #expect(sent.map { broker.core.table[$0.slot].clientCallID } == [2])
        sent = broker.pass(.milliseconds(600), hearing: [worker])
        #expect(sent.map { broker.core.table[$0.slot].clientCallID } == [3])
        broker.core.clientLost(gone)
        sent = broker.perform() + broker.pass(.milliseconds(20), hearing: [worker])
        #expect(sent.map { broker.core.table[$0.slot].clientCallID } == [4])
        #expect(broker.violations() == [])
    }

    @Test func `a worker without credit gets nothing`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [-5])
        broker.own(0, by: worker, fence: 1)
        #expect(broker.call(1, from: client, partition: 0, priority: .system).isEmpty)
        broker.freeCall(2, from: client)
        #expect(broker.verdict(2, to: client)?.reason == .overloaded)
    }

    @Test func `what cannot be served in time is refused early`() {
        var broker = CoreHarness {
            $0.maximumCalls = 256; $0.maximumCallsPerClient = 256
        }
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 1)
        for callID: UInt64 in 1...200 { broker.call(callID, from: client, partition: 0, milliseconds: 1_000) }
        let verdict = broker.verdict(200, to: client)
        #expect(verdict?.status == .resourceExhausted)
        #expect(verdict?.certainty == .notExecuted)
        #expect((verdict?.retryAfter ?? .zero) > .zero)
        #expect(broker.core.workers[Int(worker)]?.waitingCount ?? 0 > 50)
    }

    // MARK: Bounds

    @Test func `the table, a client's share and the parked calls are bounded`() {
        var broker = CoreHarness()
        let (greedy, other) = (broker.client(1), broker.client(2))
        let worker = broker.worker(11, credit: [1_000, 1, 1])
        broker.own(0, by: worker, fence: 1)
        // Whoever has as many as are free gets no more.
        for callID: UInt64 in 1...60 { broker.call(callID, from: greedy, partition: 0) }
        #expect(broker.core.table.count == 32)
        #expect(broker.verdict(33, to: greedy)?.reason == .overloaded)
        for callID: UInt64 in 1...20 { broker.call(callID, from: other, partition: 0) }
        #expect(broker.core.table.count == 48)
        #expect(broker.verdict(17, to: other)?.status == .resourceExhausted)
        // However many are greedy, the next one finds room.
        for number in 3...6 {
            let next = broker.client(number)
            #expect(broker.call(1, from: next, partition: 0).count == 1)
        }
        #expect(broker.violations() == [])
    }

    @Test func `clients and workers are bounded, and places are used again`() {
        var broker = CoreHarness {
            $0.maximumClients = 2; $0.maximumWorkers = 1
        }
        let first = broker.client(1)
        broker.now = broker.now + .seconds(1)
        let second = broker.client(2)
        // A newcomer takes the place of whoever was silent longest, not of one that waits for an answer.
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        broker.call(1, from: second, partition: 0)
        #expect(broker.core.client(CoreHarness.identity(3), broker.now) == first)
        broker.call(1, from: first, partition: 0)
        #expect(broker.core.client(CoreHarness.identity(4), broker.now) == nil)
        #expect(broker.core.client(CoreHarness.identity(11), isWorker: true, broker.now) != nil)
        let ready = Ready(
            name: "x", incarnation: "a", partitions: 8, hash: RoutingKey.hashName, methods: [], credit: [],
            leaseTTL: 1)
        #expect(broker.core.ready(ready, from: CoreHarness.identity(12), broker.now) == false)
        broker.lose(worker)
        #expect(broker.core.ready(ready, from: CoreHarness.identity(12), broker.now) == true)
    }

    @Test func `a worker of another cluster is refused`() {
        var broker = CoreHarness()
        _ = broker.worker(11)
        for (partitions, hash) in [
            (Int32(16), RoutingKey.hashName), (8, "other"), (-1, "other"), (.max, ""),
        ] {
            let ready = Ready(
                name: "x", incarnation: "a", partitions: partitions, hash: hash, methods: [], credit: [],
                leaseTTL: 1)
            #expect(broker.core.ready(ready, from: CoreHarness.identity(12), broker.now) == false)
        }
        #expect(broker.core.workerIndex.count == 1)
    }

    @Test func `a client that says nothing and waits for nothing is forgotten`() {
        var broker = CoreHarness { $0.clientIdleTime = .seconds(2) }
        let (idle, waiting) = (broker.client(1), broker.client(2))
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        broker.call(1, from: waiting, partition: 0)
        broker.pass(.seconds(4), hearing: [worker])
        #expect(broker.core.clients[Int(idle)] == nil)
        #expect(broker.core.clients[Int(waiting)] != nil)
    }
}
