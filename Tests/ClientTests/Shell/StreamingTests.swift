import Methods
import Synchronization
import Testing
import Wire

@testable import Client

@Suite struct StreamingTests {
    /// A broker with a service of numbers, and a client of it.
    private struct Setup {
        let service = StreamService()
        let broker: TestBroker
        let client: StampedeClient

        init() throws {
            broker = try TestBroker(service.answer, others: service.others)
            client = try StampedeClient(brokers: [broker.endpoint])
        }
    }

    @Test(arguments: [0, 1, 15, 16, 17, 1_000])
    func `a server stream's items come in order, then its end`(count: Int64) async throws {
        let setup = try Setup()
        let items = try await setup.client.stream(NumberMethods.count, Number(count)) { replies in
            var items: [Int64] = []
            for try await item in replies { items.append(item.value) }
            #expect(replies.trailingMetadata[text: "note"] == "trailing")
            #expect(replies.initialMetadata[text: "note"] == (count == 0 ? nil : "initial"))
            return items
        }
        #expect(items == Array(0..<count))
        await setup.client.close()
    }

    @Test func `a client stream's items are summed up in one reply`() async throws {
        let setup = try Setup()
        let sum = try await setup.client.stream(NumberMethods.sum) { items, replies in
            for number in 1...1_000 { try await items.send(Number(Int64(number))) }
            items.finish()
            return try await replies.reply()
        }
        #expect(sum == Number(500_500))
        #expect(setup.service.violations.load(ordering: .relaxed) == 0)
        await setup.client.close()
    }

    @Test func `both directions flow at once`() async throws {
        let setup = try Setup()
        let doubled = try await setup.client.stream(NumberMethods.double) { items, replies in
            async let sending: Void = {
                for number in 0..<2_000 { try await items.send(Number(Int64(number))) }
                items.finish()
            }()
            var doubled: [Int64] = []
            for try await item in replies { doubled.append(item.value) }
            try await sending
            return doubled
        }
        #expect(doubled == (0..<2_000).map { $0 * 2 })
        #expect(setup.service.violations.load(ordering: .relaxed) == 0)
        await setup.client.close()
    }

    @Test func `items and replies take turns`() async throws {
        let setup = try Setup()
        try await setup.client.stream(NumberMethods.double) { items, replies in
            for number in 0..<100 {
                try await items.send(Number(Int64(number)))
                let item = try await replies.next()
                #expect(item == Number(Int64(number * 2)))
            }
            items.finish()
            let end = try await replies.next()
            #expect(end == nil)
        }
        await setup.client.close()
    }

    @Test func `a slow reader stops the service`() async throws {
        let setup = try Setup()
        try await setup.client.stream(NumberMethods.count, Number(10_000)) { replies in
            let first = try await replies.next()
            #expect(first == Number(0))
            #expect(await eventually { replies.pipe.initialMetadata != nil })
            // Sixteen may be sent, one was taken: nothing raises the credit before eight are.
            let credits = setup.broker.headers.count { $0.kind == .credit }
            #expect(credits == 0)
            for number in 1..<8 {
                let item = try await replies.next()
                #expect(item == Number(Int64(number)))
            }
            #expect(await eventually { setup.broker.headers.contains { $0.kind == .credit } })
            #expect(setup.broker.headers.first { $0.kind == .credit }?.sequence == 24)
        }
        await setup.client.close()
    }

    @Test func `a wide window is said at once`() async throws {
        let setup = try Setup()
        var options = CallOptions()
        options.window = 512
        let count = try await setup.client.stream(NumberMethods.count, Number(5_000), options: options) {
            var count = 0
            for try await _ in $0 { count += 1 }
            return count
        }
        #expect(count == 5_000)
        #expect(setup.broker.headers.first { $0.kind == .credit }?.sequence == 512)
        await setup.client.close()
    }

    @Test func `a writer without credit waits, and leaves when the call is cancelled`() async throws {
        let setup = try Setup()
        setup.service.grantsCredit.store(false, ordering: .relaxed)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await setup.client.stream(NumberMethods.sum) { items, _ in
                    while true { try await items.send(Number(1)) }
                }
            }
            #expect(await eventually { setup.service.received.load(ordering: .relaxed) == 16 })
            group.cancelAll()
            let error = await #expect(throws: CallError.self) { try await group.next() }
            #expect(error?.status == .cancelled)
        }
        #expect(setup.service.received.load(ordering: .relaxed) == 16)
        #expect(await eventually { setup.broker.cancels.count == 1 })
        await setup.client.close()
    }

    @Test func `leaving the body cancels the call`() async throws {
        let setup = try Setup()
        try await setup.client.stream(NumberMethods.count, Number(10_000)) { replies in
            for try await item in replies where item.value == 3 { break }
        }
        #expect(await eventually { setup.broker.cancels.count == 1 })
        #expect(await eventually { setup.service.open == 0 })
        await setup.client.close()
    }

    @Test func `an error of the body is thrown as it is`() async throws {
        struct Mine: Error {}
        let setup = try Setup()
        await #expect(throws: Mine.self) {
            try await setup.client.stream(NumberMethods.count, Number(10_000)) { replies in
                _ = try await replies.next()
                throw Mine()
            }
        }
        #expect(await eventually { setup.broker.cancels.count == 1 })
        await setup.client.close()
    }

    @Test func `a broker that is killed ends a stream that has begun`() async throws {
        let setup = try Setup()
        let error = await #expect(throws: CallError.self) {
            try await setup.client.stream(NumberMethods.count, Number(1_000_000)) { replies in
                _ = try await replies.next()
                setup.broker.stop()
                for try await _ in replies {}
            }
        }
        #expect(error?.certainty == .maybeExecuted)
        await setup.client.close()
    }

    @Test func `a stream that has not begun goes on through another broker, items and all`() async throws {
        let service = StreamService()
        let busy = try TestBroker { call, _ in [TestBroker.refuse(call, .unavailable, .notExecuted, .noOwner)]
        }
        let good = try TestBroker(service.answer, others: service.others)
        let client = try StampedeClient(brokers: [busy.endpoint, good.endpoint])
        for _ in 0..<4 {
            let sum = try await client.stream(NumberMethods.sum) { items, replies in
                for number in 1...100 { try await items.send(Number(Int64(number))) }
                items.finish()
                return try await replies.reply()
            }
            #expect(sum == Number(5_050))
        }
        #expect(!busy.calls.isEmpty)
        #expect(service.violations.load(ordering: .relaxed) == 0)
        await client.close()
    }

    @Test func `an item beyond its credit is the service's fault`() async throws {
        let broker = try TestBroker { call, _ in
            (0..<17).map { sequence in
                var header = Header(.data)
                header.callID = call.callID
                header.sequence = UInt32(sequence)
                return Frame.encode(header, body: Number(Int64(sequence)))
            }
        }
        let client = try StampedeClient(brokers: [broker.endpoint])
        let taken = Atomic<Int>(0)
        let error = await #expect(throws: CallError.self) {
            try await client.stream(NumberMethods.count, Number(17)) { replies in
                #expect(await eventually { replies.pipe.outcome != nil })
                for try await _ in replies { taken.add(1, ordering: .relaxed) }
            }
        }
        #expect(error?.reason == .flowControl)
        #expect(taken.load(ordering: .relaxed) == 16)
        #expect(await eventually { broker.cancels.count == 1 })
        await client.close()
    }

    @Test func `a stream's deadline ends it, and it has none unless asked`() async throws {
        let setup = try Setup()
        let error = await #expect(throws: CallError.self) {
            try await setup.client.stream(
                NumberMethods.double, options: CallOptions(deadline: .milliseconds(100))
            ) { _, replies in _ = try await replies.next() }
        }
        #expect(error?.status == .deadlineExceeded)
        try await setup.client.stream(NumberMethods.count, Number(1)) { _ = try await $0.next() }
        #expect(setup.broker.calls.map { $0.milliseconds > 0 } == [true, false])
        await setup.client.close()
    }

    @Test func `the worker's early end stops the writer with a yes`() async throws {
        let broker = try TestBroker(
            TestBroker.silence,
            others: { header, _ in
                guard header.kind == .data, header.sequence == 2 else { return [] }
                var result = Header(.result)
                result.flags = [.end]
                result.callID = header.callID
                return [Frame.encode(result, body: Number(7))]
            })
        let client = try StampedeClient(brokers: [broker.endpoint])
        let reply = try await client.stream(NumberMethods.sum) { items, replies in
            while try await items.send(Number(1)) { try await Task.sleep(for: .milliseconds(1)) }
            return try await replies.reply()
        }
        #expect(reply == Number(7))
        await client.close()
    }

    @Test func `a closed client refuses a stream inside its body`() async throws {
        let setup = try Setup()
        await setup.client.close()
        let error = await #expect(throws: CallError.self) {
            try await setup.client.stream(NumberMethods.count, Number(1)) { _ = try await $0.next() }
        }
        #expect(error?.certainty == .notExecuted)
    }

    @Test func `a thousand streams at once each get what is theirs`() async throws {
        let setup = try Setup()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 1...1_000 {
                group.addTask {
                    let count = Int64(number % 100)
                    return try await setup.client.stream(NumberMethods.count, Number(count)) { replies in
                        var items: [Int64] = []
                        for try await item in replies { items.append(item.value) }
                        return items == Array(0..<count)
                    }
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(setup.service.open == 0)
        await setup.client.close()
    }

    // MARK: Metadata

    @Test func `metadata travel both ways`() async throws {
        let setup = try Setup()
        var options = CallOptions()
        options.metadata[text: "shop"] = "north"
        options.metadata["token"] = .binary([1, 2, 3])
        let response = try await setup.client.response(NumberMethods.square, Number(7), options: options)
        #expect(response.reply == Number(49))
        #expect(response.metadata == options.metadata)
        #expect(response.attempts == 1)
        await setup.client.close()
    }

    @Test func `metadata beyond their limits are refused before anything is sent`() async throws {
        let setup = try Setup()
        var options = CallOptions()
        options.metadata[text: "long"] = String(repeating: "x", count: 5_000)
        let error = await #expect(throws: CallError.self) {
            try await setup.client.call(NumberMethods.square, Number(7), options: options)
        }
        #expect(error?.status == .invalidArgument)
        #expect(setup.broker.calls.isEmpty)
        await setup.client.close()
    }

    // MARK: The executor

    @Test func `tasks on the client's own thread call and stream`() async throws {
        let setup = try Setup()
        let sum = try await withTaskExecutorPreference(setup.client.executor) {
            try await withThrowingTaskGroup(of: Int64.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await setup.client.call(NumberMethods.square, Number(Int64(number))).value
                    }
                }
                let items = try await setup.client.stream(NumberMethods.count, Number(300)) { replies in
                    var sum: Int64 = 0
                    for try await item in replies { sum += item.value }
                    return sum
                }
                return try await group.reduce(items, +)
            }
        }
        let squares = (0..<Int64(200)).reduce(0) { $0 + $1 * $1 }
        #expect(sum == squares + 299 * 300 / 2)
        await setup.client.close()
    }

    @Test func `tasks on a closed client's executor go on elsewhere`() async throws {
        let setup = try Setup()
        let client = setup.client
        let error = await Task(executorPreference: client.executor) { () -> CallError? in
            await client.close()
            do throws(CallError) {
                _ = try await client.call(NumberMethods.square, Number(1))
                return nil
            } catch {
                return error
            }
        }.value
        #expect(error?.certainty == .notExecuted)
    }
}
