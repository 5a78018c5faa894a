import Methods
import Sales
import Testing
import Wire

@testable import Broker

@Suite struct HealthTests {
    private let hello = MethodID("greeter.hello")

    private func description(_ name: String) -> MethodDescription {
        MethodDescription(name: name, kind: .unary, about: "Words.", request: "A", reply: "B", types: [])
    }

    private func greeter(_ broker: inout CoreHarness, _ number: Int) -> Int32 {
        let ready = Ready(
            name: "greeter-\(number)", incarnation: "", partitions: 0, hash: "", methods: [hello],
            credit: [4, 4, 4, 4], leaseTTL: 3_000)
        #expect(broker.core.ready(ready, from: CoreHarness.identity(number), broker.now) == true)
        let worker = broker.core.workerIndex[CoreHarness.identity(number)]!
        broker.core.describe(description("greeter.hello"), from: worker)
        broker.perform()
        return worker
    }

    private func beat(_ broker: inout CoreHarness, _ worker: Int32, notServing: [String]) {
        broker.core.beat(
            WorkerBeat(isFit: true, leaseLeft: nil, gates: [], notServing: notServing), stamp: broker.now,
            from: worker, broker.now)
        broker.perform()
    }

    @Test func `a service is serving while a worker says so`() {
        var broker = CoreHarness()
        #expect(broker.core.health(of: "greeter").status == .unknown)
        #expect(broker.core.health(of: "broker").status == .serving)
        #expect(broker.core.health(of: nil).status == .notServing)
        let workers = [greeter(&broker, 11), greeter(&broker, 12)]
        #expect(broker.core.health(of: "greeter").workers == 2)
        beat(&broker, workers[0], notServing: ["greeter"])
        #expect(broker.core.health(of: "greeter").workers == 1)
        beat(&broker, workers[1], notServing: ["greeter"])
        #expect(broker.core.health(of: "greeter").status == .notServing)
        beat(&broker, workers[1], notServing: ["other"])
        #expect(broker.core.health(of: "greeter").status == .serving)
        broker.lose(workers[0])
        broker.lose(workers[1])
        #expect(broker.core.health(of: "greeter").status == .unknown)
    }

    @Test func `calls go to workers where the service serves`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [greeter(&broker, 11), greeter(&broker, 12)]
        beat(&broker, workers[0], notServing: ["greeter"])
        for callID: UInt64 in 1...3 {
            #expect(broker.freeCall(callID, from: client, method: hello).map(\.worker) == [workers[1]])
        }
        beat(&broker, workers[1], notServing: ["greeter"])
        broker.freeCall(4, from: client, method: hello)
        #expect(broker.verdict(4, to: client)?.reason == .notServing)
        #expect(broker.verdict(4, to: client)?.certainty == .notExecuted)
    }

    @Test func `partitions without an owner are told`() {
        var broker = CoreHarness()
        let worker = broker.worker(11)
        #expect(broker.core.health(of: nil).unowned == Int64(CoreHarness.partitions))
        broker.own(0, by: worker, fence: 1)
        #expect(broker.core.health(of: nil).unowned == Int64(CoreHarness.partitions) - 1)
    }

    private func watch(_ broker: inout CoreHarness, _ callID: UInt64, from client: Int32) {
        var header = Header(.call)
        header.callID = callID
        header.flags = [.stream, .end]
        header.method = HealthMethods.watch.id
        broker.core.call(header, size: 80, from: client, broker.now)
        broker.perform()
        #expect(broker.answers(callID, to: client) == [.own])
        broker.core.watch("greeter", header, from: client, broker.now)
        broker.perform()
    }

    private func told(_ broker: CoreHarness) throws -> [Health.Status] {
        try broker.items.map { item in
            var offset = 0
            return try Health(decoding: item.body.span, at: &offset).status
        }
    }

    @Test func `a watcher is told at once and then of every change`() throws {
        var broker = CoreHarness()
        let client = broker.client(1)
        watch(&broker, 1, from: client)
        broker.pass(.milliseconds(150))
        let worker = greeter(&broker, 11)
        broker.pass(.milliseconds(150), hearing: [worker])
        beat(&broker, worker, notServing: ["greeter"])
        broker.pass(.milliseconds(150), hearing: [worker])
        #expect(try told(broker) == [.unknown, .serving, .notServing])
        #expect(broker.items.map(\.sequence) == [0, 1, 2])
        #expect(broker.violations() == [])
        broker.core.cancel(1, from: client)
        broker.perform()
        guard case .refused(let verdict)? = broker.answers(1, to: client).last else {
            Issue.record("the watch did not end")
            return
        }
        #expect(verdict.status == .cancelled)
        #expect(broker.core.watches.isEmpty && broker.core.table.count == 0)
    }

    @Test func `many who watch are told part by part, and nobody is forgotten`() throws {
        var broker = CoreHarness {
            $0.maximumCalls = 8_192
            $0.maximumCallsPerClient = 8_192
            $0.maximumStreams = 8_192
        }
        let clients = (1...20).map { broker.client($0) }
        for (number, client) in clients.enumerated() {
            for callID: UInt64 in 1...250 { watch(&broker, UInt64(number) * 1_000 + callID, from: client) }
        }
        broker.items = []
        let worker = greeter(&broker, 11)
        broker.pass(.milliseconds(10), hearing: [worker])
        #expect(broker.items.count <= 2_000)
        broker.pass(.milliseconds(200), hearing: [worker])
        #expect(broker.items.count == 5_000)
        #expect(Set(broker.items.map(\.callID)).count == 5_000)
    }

    @Test func `a watcher without credit hears only the newest when it has some`() throws {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = greeter(&broker, 11)
        watch(&broker, 1, from: client)
        for round in 0..<40 {
            beat(&broker, worker, notServing: round.isMultiple(of: 2) ? ["greeter"] : [])
            broker.pass(.milliseconds(110), hearing: [worker])
        }
        #expect(broker.items.count == Int(Limits.initialCredit))
        let last: Health.Status = try told(broker).last == .serving ? .notServing : .serving
        beat(&broker, worker, notServing: last == .serving ? [] : ["greeter"])
        broker.pass(.milliseconds(110), hearing: [worker])
        #expect(broker.items.count == Int(Limits.initialCredit))
        var credit = Header(.credit)
        credit.callID = 1
        credit.sequence = Limits.initialCredit + 4
        broker.core.callerAllows(credit, from: client, broker.now)
        broker.perform()
        #expect(broker.items.count == Int(Limits.initialCredit) + 1)
        #expect(try told(broker).last == last)
    }

    @Test func `reflection lists what the workers have, and forgets it with them`() throws {
        var broker = CoreHarness()
        let own = broker.core.catalog.list.map(\.name)
        #expect(own.contains("broker.status") && own.contains("reflection.list"))
        let worker = greeter(&broker, 11)
        // Neither a method that it does not have nor one of the broker's own.
        broker.core.describe(description("other.method"), from: worker)
        broker.core.describe(description("broker.status"), from: worker)
        #expect(broker.core.catalog.list.map(\.name) == (own + ["greeter.hello"]).sorted())
        let bytes = try #require(broker.core.catalog.description(of: "greeter.hello"))
        var offset = 0
        #expect(try MethodDescription(decoding: bytes.span, at: &offset) == description("greeter.hello"))
        broker.lose(worker)
        #expect(broker.core.catalog.list.map(\.name) == own)
        #expect(broker.core.catalog.description(of: "greeter.hello") == nil)
    }
}
