import Broker
import Glibc
import Logging
import Methods
import Sales
import SeededTestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct BrokerTests {
    @Test func `a call reaches the owner and its answer the caller`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (client, worker) = (try harness.client(), try harness.worker())
        worker.join(as: "one", owning: 0..<4)
        let order = PlaceOrder(
            sale: SaleID(rawValue: 1), buyer: BuyerID(rawValue: 2), quantity: 3, key: RequestKey(rawValue: 4))
        let asked = Peer.call(77, milliseconds: 8_000)
        client.send(asked, order)
        let call = try #require(worker.wait(for: .call))
        #expect(call.header.callID != 77 && call.header.callID != 0)
        #expect((1...8_000).contains(call.header.milliseconds))
        var patched = call.header
        (patched.callID, patched.milliseconds) = (asked.callID, asked.milliseconds)
        #expect(patched == asked)
        #expect(try call.body(as: PlaceOrder.self) == order)

        var answer = Header(.result)
        answer.flags = .end
        answer.callID = call.header.callID
        answer.status = .failedPrecondition
        answer.reason = .overLimit
        worker.send(answer, FailureBody(message: "no", limit: 4))
        let result = try #require(client.wait(for: .result))
        #expect(result.header.callID == 77)
        #expect(result.header.status == .failedPrecondition)
        #expect(result.header.reason == .overLimit)
        #expect(try result.body(as: FailureBody.self) == FailureBody(message: "no", limit: 4))
    }

    @Test func `a call without an owner waits for one, and is handed over as what it is`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (client, worker) = (try harness.client(), try harness.worker())
        worker.join(as: "one", owning: [])
        var header = Peer.call(5, milliseconds: 0)
        header.priority = .system
        client.send(header)
        _ = try client.status(6)
        worker.join(as: "one", owning: 0..<4)
        let call = try #require(worker.wait(for: .call))
        #expect(call.header.priority == .high, "the system's priority is not for clients")
        #expect((20_000...30_000).contains(call.header.milliseconds))
        #expect(!call.header.flags.contains(.retry))
    }

    @Test func `the calls of a worker that is gone go to its successor, as retries`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (client, first) = (try harness.client(), try harness.worker())
        first.join(as: "one", owning: 0..<4)
        client.send(Peer.call(5))
        let call = try #require(first.wait(for: .call))
        first.close()
        let second = try harness.worker()
        second.join(as: "two", owning: 0..<4, fence: 2)
        let again = try #require(second.wait(for: .call))
        #expect(again.header.flags.contains(.retry))
        #expect(again.header.callID != call.header.callID)
        #expect(again.header.requestKey == call.header.requestKey)
        second.answer(again, .unavailable, .notExecuted)
        #expect(client.wait(for: .result)?.header.certainty == .maybeExecuted)
    }

    @Test func `a dead worker is noticed although nobody calls it`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (client, worker) = (try harness.client(), try harness.worker())
        worker.join(as: "one", owning: 0..<4)
        worker.close()
        var callID: UInt64 = 0
        let isGone = harness.loop.run(atMost: .seconds(2)) {
            callID += 1
            return (try? client.status(callID))?.workers.isEmpty == true
        }
        #expect(isGone, "long before the worker's silence says so")
    }

    @Test func `a client that is gone takes nobody along`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (gone, client, worker) = (try harness.client(), try harness.client(), try harness.worker())
        worker.join(as: "one", owning: 0..<4)
        gone.send(Peer.call(1))
        let call = try #require(worker.wait(for: .call))
        gone.close()
        worker.forget()
        worker.answer(call)
        client.send(Peer.call(2))
        worker.answer(try #require(worker.wait(for: .call)))
        #expect(client.wait(for: .result)?.header.callID == 2)
        #expect(try client.status(3)?.inFlight == 0)
    }

    // MARK: Hostile input

    @Test func `a turn that decides more than leaves at once answers each call once, whoever is gone`() throws
    {
        let harness = try BrokerHarness()
        try harness.start { $0.maximumBatch = 2 }
        let (client, gone) = (try harness.client(), try harness.client())
        // Nobody owns what they call, so all are parked until they are due.
        for callID: UInt64 in 1...10 {
            gone.send(Peer.call(callID, milliseconds: 400))
            client.send(Peer.call(callID, milliseconds: 400))
        }
        _ = try client.status(11)
        gone.close()
        _ = try client.status(12)
        // The loop stands still meanwhile, so all are due in one turn.
        usleep(500_000)
        _ = try client.status(13)
        _ = try client.status(14)
        let answered = client.all(.result).map(\.header.callID).filter { $0 <= 10 }
        #expect(answered.sorted() == Array(1...10))
    }

    @Test(arguments: 1...4) func `bad messages change nothing for a good client beside them`(seed: Int) throws
    {
        let harness = try BrokerHarness()
        try harness.start()
        let (good, worker) = (try harness.client(), try harness.worker())
        let hostile = [try harness.client(), try harness.worker()]
        worker.join(as: "one", owning: 0..<4)
        var random = SeededGenerator(seed: UInt64(seed))
        for round in 1...60 {
            for peer in hostile { peer.send(badMessage(&random), before: random.oneIn(6) ? [1, 2] : nil) }
            good.send(Peer.call(UInt64(round)))
            worker.forget()
            let call = try #require(worker.wait(for: .call))
            worker.answer(call)
            let result = try #require(good.wait(for: .result, callID: UInt64(round)))
            #expect(result.header.status == .ok)
        }
        let status = try #require(try good.status(1_000))
        #expect(status.malformed > 20)
        #expect(status.inFlight == 0)
        #expect(status.workers.map(\.name) == ["one"])
        #expect(status.partitions.allSatisfy { $0.owner == "one" && $0.fence.rawValue == 1 })
        #expect(good.all(.result).count == 61)
    }

    /// What must never reach a worker: no message of these is a call.
    private func badMessage(_ random: inout SeededGenerator) -> [UInt8] {
        let kinds = Header.Kind.allCases.filter { $0 != .call && $0 != .ready }
        var header = Header(kinds[random.number(0...kinds.count - 1)])
        header.callID = random.oneIn(2) ? random.next() : UInt64(random.number(0...5)) << 32 | 1
        var bytes = Frame.encode(
            header, body: (0..<random.number(0...40)).map { _ in UInt8.random(in: 0...255, using: &random) })
        switch random.number(1...4) {
        case 1: return (0..<random.number(0...200)).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 2: return Array(bytes.prefix(random.number(0...63)))
        case 3:
            // One wrong byte, but never one that makes it a call.
            let place = [0, 1, 3, 4, 5, 44, 45].randomElement(using: &random)!
            bytes[place] ^= UInt8(random.number(1...255))
            return bytes
        default: return bytes
        }
    }

    @Test func `a call without a name is not a call`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let client = try harness.client()
        client.send(Peer.call(0))
        let status = try #require(try client.status(1))
        #expect(status.malformed == 1)
        #expect(status.calls == 1)
    }

    @Test func `a message that is too long costs its sender the connection, nobody else`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (hostile, good) = (try harness.client(), try harness.client())
        hostile.send(Frame.encode(Peer.call(1), body: [UInt8](repeating: 0, count: Limits.messageSize)))
        for callID: UInt64 in 1...5 { #expect(try good.status(callID) != nil) }
        #expect(hostile.received.isEmpty)
    }

    @Test func `when there is no room for a client, its calls are refused at once`() throws {
        let harness = try BrokerHarness()
        try harness.start { $0.maximumClients = 1 }
        let (first, second) = (try harness.client(), try harness.client())
        // The one place is taken by somebody who waits for an answer.
        first.send(Peer.call(2))
        #expect(try first.status(1) != nil)
        second.send(Peer.call(9))
        let result = try #require(second.wait(for: .result))
        #expect(result.header.callID == 9)
        #expect(result.header.status == .resourceExhausted)
        #expect(result.header.certainty == .notExecuted)
        #expect(result.header.milliseconds > 0)
    }

    // MARK: Sessions

    @Test func `a worker without a session is told to begin anew`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let worker = try harness.worker()
        for header in [Header(.beat), Header(.result), Header(.drain)] {
            worker.forget()
            worker.send(header, WorkerBeat(isFit: true, leaseLeft: nil, gates: []))
            #expect(worker.wait(for: .goAway) != nil)
        }
        worker.forget()
        worker.join(as: "one", owning: [])
        #expect(worker.wait(for: .beat) != nil)
        #expect(worker.first(.goAway) == nil)
    }

    @Test func `a worker of another cluster is sent away`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (worker, stranger) = (try harness.worker(), try harness.worker())
        worker.join(as: "one", owning: 0..<4)
        stranger.join(as: "two", owning: [], of: 8)
        #expect(stranger.wait(for: .goAway) != nil)
    }

    @Test func `a broker that leaves says so to everybody`() throws {
        let harness = try BrokerHarness()
        let broker = try harness.start()
        let (client, worker) = (try harness.client(), try harness.worker())
        worker.join(as: "one", owning: [])
        _ = try client.status(1)
        broker.sayGoodbye()
        #expect(client.wait(for: .goAway) != nil)
        #expect(worker.wait(for: .goAway) != nil)
    }

    // MARK: Endpoints

    /// libzmq itself would let the second one take the file away from the first.
    @Test func `a second broker cannot rob a live one of its endpoint`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let error = #expect(throws: ZeroMQError.self) { try harness.start() }
        #expect(error?.isAddressInUse == true)
        #expect("\(error.map(String.init(describing:)) ?? "")".contains("Address already in use; stop"))
        #expect(try harness.client().status(1)?.name == "broker")
    }

    @Test func `what a dead broker left behind is in nobody's way`() throws {
        let endpoints: (clients: String, workers: String)
        let harness = try BrokerHarness()
        endpoints = harness.endpoints("broker")
        for _ in 0..<2 {
            let loop = EventLoop()
            let broker = try Broker(
                configuration: BrokerConfiguration(name: "b"), clients: [endpoints.clients],
                workers: [endpoints.workers], context: harness.context, loop: loop, logger: .init(label: "b"))
            #expect(broker.clientEndpoints == [endpoints.clients])
        }
    }

    @Test func `a port that is taken is reported as such`() throws {
        let harness = try BrokerHarness()
        let loop = EventLoop()
        func broker(_ endpoint: String) throws -> Broker {
            try Broker(
                configuration: BrokerConfiguration(name: "b"), clients: [endpoint],
                workers: ["tcp://127.0.0.1:*"], context: harness.context, loop: loop,
                logger: .init(label: "b"))
        }
        let first = try broker("tcp://127.0.0.1:*")
        let error = #expect(throws: ZeroMQError.self) { _ = try broker(first.clientEndpoints[0]) }
        #expect(error?.isAddressInUse == true)
    }

    // MARK: Status

    @Test func `a broker shows its workers, owners and gates`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let (client, worker) = (try harness.client(), try harness.worker())
        let gate = ClosedGate(
            method: Peer.method, routing: RoutingKey(sale: 1, lane: 0),
            partition: Partition(rawValue: Int16(RoutingKey(sale: 1, lane: 0).partition(of: 4))),
            fence: Fence(rawValue: 1), change: 1, reason: .soldOut)
        worker.keepBeating { [gate] }
        worker.join(as: "one", owning: 0..<4)
        var callID: UInt64 = 0
        var status: BrokerStatus?
        harness.loop.run(atMost: .seconds(10)) {
            callID += 1
            status = try? client.status(callID)
            return status?.gates.isEmpty == false
        }
        #expect(status?.gates.map(\.sale) == [SaleID(rawValue: 1)])
        #expect(status?.workers.map(\.state) == ["fit"])
        #expect(status?.workers.first?.leaseLeftMilliseconds == 1_000)
        #expect(status?.partitions.map(\.owner) == ["one", "one", "one", "one"])
        #expect(status?.clients == 1)
    }

    @Test func `a status that would be too long for a message is cut`() throws {
        let harness = try BrokerHarness()
        try harness.start()
        let client = try harness.client()
        // Names as long as they may be, for partitions as many as they may be.
        let worker = try harness.worker()
        worker.join(as: String(repeating: "n", count: Limits.nameLength), owning: 0..<300, of: 2_000)
        let status = try #require(try client.status(1))
        #expect(status.workers.count == 1)
        #expect((1..<2_000).contains(status.partitions.count))
    }
}
