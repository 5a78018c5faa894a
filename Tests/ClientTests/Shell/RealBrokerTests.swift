import Logging
import Methods
import Service
import StampedeTesting
import Synchronization
import Testing
import Wire

@testable import Client

/// The client with real brokers and a real service between them.
@Suite(.timeLimit(.minutes(2))) struct RealBrokerTests {
    struct Text: CodableBody, Hashable {
        var text: String
    }

    private static let long = Method<Number, Text>("numbers.long")
    private static let length = Method<Text, Number>("numbers.length")
    private static let lengths = StreamMethod<Text, Number>("numbers.lengths", .bidirectional)
    private static let hang = StreamMethod<Number, Number>("numbers.hang", .serverStream)

    /// How often a handler was told to stop.
    private final class Stops: Sendable { let count = Atomic<Int>(0) }

    private func numbers(_ stops: Stops) -> Service {
        var numbers = Service("numbers")
        numbers.unary("square") { (number: Number, call) in
            call.trailingMetadata = call.metadata
            return Number(number.value * number.value)
        }
        numbers.unary("long") { (number: Number, _) in
            Text(text: String(repeating: "x", count: Int(number.value)))
        }
        numbers.unary("length") { (text: Text, _) in Number(Int64(text.text.utf8.count)) }
        numbers.serverStream("count") { (number: Number, replies: ReplyWriter<Number>, call) in
            call.initialMetadata[text: "note"] = "initial"
            for value in 0..<number.value { try await replies.send(Number(value)) }
            call.trailingMetadata[text: "note"] = "trailing"
        }
        numbers.clientStream("sum") { (items: RequestItems<Number>, _) in
            var sum: Int64 = 0
            for try await item in items { sum += item.value }
            return Number(sum)
        }
        numbers.bidirectional("double") { (items: RequestItems<Number>, replies: ReplyWriter<Number>, _) in
            for try await item in items { try await replies.send(Number(item.value * 2)) }
        }
        numbers.bidirectional("lengths") { (items: RequestItems<Text>, replies: ReplyWriter<Number>, _) in
            for try await item in items { try await replies.send(Number(Int64(item.text.utf8.count))) }
        }
        numbers.serverStream("hang") { (_: Number, replies: ReplyWriter<Number>, _) in
            try await replies.send(Number(0))
            do {
                try await Task.sleep(for: .seconds(600))
            } catch {
                stops.count.add(1, ordering: .relaxed)
                throw error
            }
        }
        return numbers
    }

    private func run(
        brokers count: Int = 1,
        _ test: (StampedeClient, [InProcessBroker], Stops) async throws -> Void
    ) async throws {
        var brokers: [InProcessBroker] = []
        for number in 0..<count { brokers.append(try await InProcessBroker.start(name: "broker-\(number)")) }
        let stops = Stops()
        let host = try ServiceHost(
            name: "numbers-1", services: [numbers(stops)], brokers: brokers.map(\.workers),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { await host.run() }
        #expect(await host.waitForBroker())
        let client = try StampedeClient(brokers: brokers.map(\.clients))
        do {
            try await test(client, brokers, stops)
        } catch {
            Issue.record(error)
        }
        await client.close()
        running.cancel()
        await running.value
        for broker in brokers { await broker.stop() }
    }

    @Test func `every kind of call works through a real broker`() async throws {
        try await run { client, _, _ in
            var options = CallOptions()
            options.metadata[text: "shop"] = "north"
            let response = try await client.response(NumberMethods.square, Number(12), options: options)
            #expect(response.reply == Number(144))
            #expect(response.metadata[text: "shop"] == "north")
            let counted = try await client.stream(NumberMethods.count, Number(1_000)) { replies in
                var items: [Int64] = []
                for try await item in replies { items.append(item.value) }
                #expect(replies.initialMetadata[text: "note"] == "initial")
                #expect(replies.trailingMetadata[text: "note"] == "trailing")
                return items
            }
            #expect(counted == Array(0..<1_000))
            let sum = try await client.stream(NumberMethods.sum) { items, replies in
                for number in 1...1_000 { try await items.send(Number(Int64(number))) }
                items.finish()
                return try await replies.reply()
            }
            #expect(sum == Number(500_500))
            let doubled = try await client.stream(NumberMethods.double) { items, replies in
                async let sending: Void = {
                    for number in 0..<1_000 { try await items.send(Number(Int64(number))) }
                    items.finish()
                }()
                var doubled: [Int64] = []
                for try await item in replies { doubled.append(item.value) }
                try await sending
                return doubled
            }
            #expect(doubled == (0..<1_000).map { $0 * 2 })
        }
    }

    @Test func `leaving a stream reaches its handler`() async throws {
        try await run { client, _, stops in
            try await client.stream(RealBrokerTests.hang, Number(0)) { _ = try await $0.next() }
            #expect(await eventually { stops.count.load(ordering: .relaxed) == 1 })
        }
    }

    @Test(arguments: BodyCompression.allCases)
    func `large bodies are compressed where both sides want it`(compression: BodyCompression) async throws {
        try await run { client, _, _ in
            let options = CallOptions(compression: compression)
            let reply = try await client.call(RealBrokerTests.long, Number(50_000), options: options)
            #expect(reply.text.utf8.count == 50_000)
            // Beyond the size of a message unless it is compressed.
            let large = Text(text: String(repeating: "haha ", count: 20_000))
            if compression == .both {
                let length = try await client.call(RealBrokerTests.length, large, options: options)
                #expect(length == Number(100_000))
                let lengths = try await client.stream(RealBrokerTests.lengths, options: options) {
                    items, replies in
                    try await items.send(large)
                    items.finish()
                    return try await replies.next()
                }
                #expect(lengths == Number(100_000))
            } else {
                let error = await #expect(throws: CallError.self) {
                    try await client.call(RealBrokerTests.length, large, options: options)
                }
                #expect(error?.status == .invalidArgument)
            }
        }
    }

    @Test func `health is watched while a service comes and goes`() async throws {
        try await run { client, _, _ in
            try await client.stream(HealthMethods.watch, HealthCheck(service: "numbers")) { replies in
                let health = try await replies.next()
                #expect(health?.status == .serving)
            }
        }
    }

    @Test func `killing a broker under load costs no call its answer`() async throws {
        try await run(brokers: 2) { client, brokers, _ in
            // Both are up when both have answered.
            for broker in 0..<2 {
                _ = try await client.call(
                    NumberMethods.square, Number(1),
                    options: CallOptions(deadline: .seconds(20), broker: broker))
            }
            var options = CallOptions(deadline: .seconds(20))
            options.isIdempotent = true
            let right = try await withThrowingTaskGroup(of: Int.self) { group in
                for task in 0..<50 {
                    group.addTask { [options] in
                        var right = 0
                        for number in 0..<100 {
                            let value = Int64(task * 100 + number)
                            let square = try await client.call(
                                NumberMethods.square, Number(value), options: options)
                            if square.value == value * value { right += 1 }
                        }
                        return right
                    }
                }
                try await Task.sleep(for: .milliseconds(20))
                await brokers[0].stop()
                return try await group.reduce(0, +)
            }
            #expect(right == 5_000)
        }
    }
}
