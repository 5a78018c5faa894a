import Methods
import StampedeTesting
import Testing
import Wire

@testable import Service

@Suite(.timeLimit(.minutes(2))) struct HostTests {
    private func host(_ brokers: [String], _ diary: Diary = Diary(), grace: TimeAmount = .seconds(10)) throws
        -> ServiceHost
    {
        var configuration = HostConfiguration()
        configuration.grace = grace
        return try ServiceHost(
            name: "greeter-1", services: [.greeter(diary)], brokers: brokers, configuration: configuration,
            logger: Stage.logger)
    }

    /// Calls until it is answered with a yes.
    private func callUntilServed(_ caller: RawCaller, from id: UInt64) async throws {
        for attempt in 0... {
            try caller.call("greeter.hello", id: id + UInt64(attempt), body: Hello(name: "x").bytes)
            if try await caller.next(.result).header.status == .ok { return }
        }
    }

    @Test func `every broker is served`() async throws {
        let brokers = [
            try await InProcessBroker.start(name: "a"), try await InProcessBroker.start(name: "b"),
        ]
        let host = try host(brokers.map(\.workers))
        let running = Task { await host.run() }
        for broker in brokers { try await callUntilServed(RawCaller(broker.clients), from: 1) }
        running.cancel()
        await running.value
        for broker in brokers { await broker.stop() }
    }

    @Test func `a broker that comes back is served again`() async throws {
        var broker = try await InProcessBroker.start()
        let diary = Diary()
        let host = try host([broker.workers], diary)
        let running = Task { await host.run() }
        let caller = RawCaller(broker.clients)
        try await callUntilServed(caller, from: 1)
        // The handler of a call whose broker is gone is told to stop.
        try caller.call("greeter.wait", id: 1_000, body: Hello(name: "a").bytes)
        await diary.wait(for: "begun a")
        broker = try await broker.restarted()
        try await callUntilServed(RawCaller(broker.clients), from: 1)
        await diary.wait(for: "stopped a")
        running.cancel()
        await running.value
        await broker.stop()
    }

    @Test func `a host that is stopped finishes what it has`() async throws {
        var service = Service("gate")
        let diary = Diary()
        service.clientStream("hold") { (items: RequestItems<Number>, _) in
            diary.write("begun")
            for try await _ in items {}
            return Number(number: 1)
        }
        let broker = try await InProcessBroker.start()
        let host = try ServiceHost(
            name: "gate-1", services: [service], brokers: [broker.workers], logger: Stage.logger)
        let running = Task { await host.run() }
        #expect(await host.waitForBroker())
        let caller = RawCaller(broker.clients)
        try caller.call("gate.hold", id: 1, flags: .stream, body: [])
        await diary.wait(for: "begun")
        running.cancel()
        // New ones go elsewhere, and there is no elsewhere.
        for id in 2... as PartialRangeFrom<UInt64> {
            try caller.call("gate.hold", id: id, flags: [.stream, .end], body: [])
            let refused = try await caller.next(.result)
            if refused.header.status != .ok {
                #expect(refused.header.certainty == .notExecuted)
                break
            }
        }
        caller.data(1, 0, flags: .end)
        let result = try await caller.next(.result)
        #expect(result.header.callID == 1 && result.header.status == .ok)
        await running.value
        await broker.stop()
    }

    @Test func `handlers that outlast the grace period are cancelled`() async throws {
        let broker = try await InProcessBroker.start()
        let diary = Diary()
        let host = try host([broker.workers], diary, grace: .milliseconds(50))
        let running = Task { await host.run() }
        #expect(await host.waitForBroker())
        let caller = RawCaller(broker.clients)
        try caller.call("greeter.wait", id: 1, body: Hello(name: "a").bytes)
        await diary.wait(for: "begun a")
        running.cancel()
        let result = try await caller.next(.result)
        #expect(result.header.status == .unavailable && result.header.reason == .draining)
        #expect(result.header.certainty == .maybeExecuted)
        await diary.wait(for: "stopped a")
        await running.value
        #expect(await host.waitForBroker() == false)
        await broker.stop()
    }

    @Test func `a service that does not serve is refused, and seen by health`() async throws {
        try await Stage.run { stage in
            stage.host.setServing("greeter", false)
            var id: UInt64 = 1
            func health() async throws -> Health.Status {
                id += 1
                try stage.caller.call("health.check", id: id, body: HealthCheck(service: "greeter").bytes)
                return try await stage.caller.next(.result).body(as: Health.self).status
            }
            while try await health() != .notServing {}
            try stage.caller.call("greeter.echo", id: 100_000, body: Hello(name: "x").bytes)
            let refused = try await stage.caller.next(.result)
            #expect(refused.header.status == .unavailable && refused.header.reason == .notServing)
            #expect(refused.header.certainty == .notExecuted)
            stage.host.setServing("greeter", true)
            while try await health() != .serving {}
        }
    }

    @Test func `reflection shows the methods and their fields`() async throws {
        try await Stage.run { stage in
            try stage.caller.call(
                "reflection.describe", id: 1, body: DescribeMethod(method: "greeter.hello").bytes)
            let hello = try await stage.caller.next(.result).body(as: MethodDescription.self)
            #expect(hello.about == "Greets by name." && hello.kind == "unary")
            #expect(hello.request == "Hello" && hello.reply == "Greeting")
            #expect(hello.types.first?.fields.first?.about == "Who is greeted.")
            try stage.caller.call("reflection.list", id: 2)
            let list = try await stage.caller.next(.result).body(as: MethodList.self)
            #expect(list.methods.contains { $0.name == "greeter.double" && $0.kind == "bidirectional" })
        }
    }

    @Test func `mistakes in the configuration are told`() throws {
        let greeter = Service.greeter()
        var configuration = HostConfiguration()
        configuration.calls = [1]
        #expect(throws: ConfigurationError.self) {
            try ServiceHost(
                name: "x", services: [greeter], brokers: ["ipc:///tmp/x"], configuration: configuration)
        }
        for brokers in [[], ["localhost:7000"]] {
            #expect(throws: ConfigurationError.self) {
                try ServiceHost(name: "x", services: [greeter], brokers: brokers)
            }
        }
        #expect(throws: ConfigurationError.self) {
            try ServiceHost(name: "", services: [greeter], brokers: ["ipc:///tmp/x"])
        }
    }
}
