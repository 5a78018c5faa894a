import Methods
import Sales
import Synchronization
import Testing
import Wire

@testable import Client

private let sale = SaleID(rawValue: 7)
private let buyer = BuyerID(rawValue: 42)

@Suite struct StampedeClientTests {
    /// The error of a call that must fail.
    private func failure(
        of client: StampedeClient, key: RequestKey = RequestKey(rawValue: 5),
        options: CallOptions = .init(deadline: .seconds(10))
    ) async -> CallError? {
        do throws(CallError) {
            let order = try await client.placeOrder(sale: sale, buyer: buyer, key: key, options: options)
            Issue.record("unexpected order \(order.id)")
            return nil
        } catch {
            return error
        }
    }

    @Test func `an order comes back as it was placed`() async throws {
        let broker = try TestBroker()
        let client = try StampedeClient(brokers: [broker.endpoint])
        let key = RequestKey.random()
        let order = try await client.placeOrder(sale: sale, buyer: buyer, quantity: 2, key: key)
        #expect(order.key == key && order.sale == sale && order.buyer == buyer && order.quantity == 2)
        let call = try #require(broker.calls.first)
        #expect(call.flags == [.end, .keyed])
        #expect(call.method == OrderMethods.place.id)
        #expect(call.routing == RoutingKey(sale: 7, lane: 0))
        #expect(call.requestKey == key.rawValue)
        #expect((4_000...5_000).contains(call.milliseconds))
        await client.close()
    }

    @Test func `partition calls name their partition in the header`() async throws {
        let broker = try TestBroker { call, _ in
            [TestBroker.reply(to: call, SaleList(sales: [], isCut: call.routing.sale == 3))]
        }
        let client = try StampedeClient(brokers: [broker.endpoint])
        let list = try await client.sales(partitions: 4)
        #expect(list == SaleList(sales: [], isCut: true))
        #expect(Set(broker.calls.map(\.routing.sale)) == [0, 1, 2, 3])
        #expect(broker.calls.allSatisfy { $0.flags == [.end, .keyed, .partition] && $0.requestKey == 0 })
        await client.close()
    }

    @Test func `a refusal brings its words and numbers`() async throws {
        let broker = try TestBroker { call, _ in
            [
                TestBroker.refuse(
                    call, .failedPrecondition, .executed, .notEnough,
                    FailureBody(message: "Only 3 are left; ask for fewer.", left: 3))
            ]
        }
        let client = try StampedeClient(brokers: [broker.endpoint])
        let error = try #require(await failure(of: client))
        #expect(error.status == .failedPrecondition)
        #expect(error.certainty == .executed)
        #expect(error.reason == .notEnough)
        #expect(error.details?.left == 3)
        #expect(error.message == "Only 3 are left; ask for fewer.")
        #expect(error.requestKey == RequestKey(rawValue: 5))
        #expect(broker.calls.count == 1)
        await client.close()
    }

    @Test func `a refusal that passes is retried through another broker, marked as a retry`() async throws {
        let busy = try TestBroker { call, _ in [TestBroker.refuse(call, .unavailable, .notExecuted, .noOwner)]
        }
        let good = try TestBroker()
        let client = try StampedeClient(brokers: [busy.endpoint, good.endpoint])
        _ = await eventually { await client.brokersAnswer(2) }
        for number in 1...10 {
            _ = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: Int64(number)))
        }
        let first = busy.calls.filter { $0.method == OrderMethods.place.id }
        #expect(!first.isEmpty)
        #expect(first.allSatisfy { !$0.flags.contains(.retry) })
        let retries = good.calls.filter { $0.flags.contains(.retry) }
        #expect(Set(retries.map(\.requestKey)) == Set(first.map(\.requestKey)))
        await client.close()
    }

    @Test func `without a broker a call was not executed`() async throws {
        let client = try StampedeClient(brokers: [TestBroker.newEndpoint()])
        let error = try #require(
            await failure(of: client, options: CallOptions(deadline: .milliseconds(100))))
        #expect(error.status == .deadlineExceeded)
        #expect(error.certainty == .notExecuted)
        await client.close()
    }

    @Test func `a silent broker leaves the outcome unknown`() async throws {
        let broker = try TestBroker(TestBroker.silence)
        let client = try StampedeClient(brokers: [broker.endpoint])
        let error = try #require(
            await failure(of: client, options: CallOptions(deadline: .milliseconds(500))))
        #expect(error.status == .deadlineExceeded)
        #expect(error.certainty == .maybeExecuted)
        #expect(error.description.contains("settle"))
        await client.close()
    }

    @Test func `a killed broker's calls go on through another`() async throws {
        let doomed = try TestBroker(TestBroker.silence)
        let other = try TestBroker()
        let client = try StampedeClient(brokers: [doomed.endpoint, other.endpoint])
        _ = await eventually {
            await client.brokersAnswer(2, deadline: .milliseconds(20)) || doomed.calls.count > 0
        }
        try await withThrowingTaskGroup(of: Order.self) { group in
            for number in 1...100 {
                group.addTask {
                    try await client.placeOrder(
                        sale: sale, buyer: BuyerID(rawValue: Int64(number)),
                        options: CallOptions(deadline: .seconds(20)))
                }
            }
            #expect(await eventually { doomed.calls.count >= 40 })
            doomed.stop()
            var buyers: Set<Int64> = []
            for try await order in group { buyers.insert(order.buyer.rawValue) }
            #expect(buyers.count == 100)
        }
        await client.close()
    }

    @Test func `a broker that hangs is left after three seconds`() async throws {
        let broker = try TestBroker(TestBroker.silence)
        let client = try StampedeClient(brokers: [broker.endpoint])
        async let result = failure(
            of: client, options: CallOptions(deadline: .seconds(20), maximumAttempts: 1))
        #expect(await eventually { broker.calls.count == 1 })
        broker.answerPings(false)
        let error = try #require(await result)
        #expect(error.status == .unavailable)
        #expect(error.certainty == .maybeExecuted)
        await client.close()
    }

    @Test func `a restarted broker is found again, with the same key`() async throws {
        let endpoint = TestBroker.newEndpoint()
        let first = try TestBroker(at: endpoint, TestBroker.silence)
        let client = try StampedeClient(brokers: [endpoint])
        async let order = client.placeOrder(
            sale: sale, buyer: buyer, key: RequestKey(rawValue: 99),
            options: CallOptions(deadline: .seconds(30)))
        #expect(await eventually { first.calls.count == 1 })
        first.stop()
        let second = try TestBroker(at: endpoint)
        #expect(try await order.key == RequestKey(rawValue: 99))
        #expect(second.calls.map(\.requestKey) == [99])
        #expect(second.calls.allSatisfy { $0.flags.contains(.retry) })
        await client.close()
    }

    @Test func `garbage, strangers and repetitions change nothing`() async throws {
        let broker = try TestBroker { call, body in
            var stranger = call
            stranger.callID = call.callID ^ 0xff00_0000_0000
            let reply = TestBroker.reply(to: call, TestBroker.order(for: body))
            return [
                [], [0x53], [UInt8](repeating: 0xff, count: 200), Array(reply.prefix(63)),
                TestBroker.reply(to: stranger, TestBroker.order(for: body)), Frame.encode(call), reply, reply,
            ]
        }
        let client = try StampedeClient(brokers: [broker.endpoint])
        for number in 1...100 {
            let order = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: Int64(number)))
            #expect(order.buyer.rawValue == Int64(number))
        }
        await client.close()
    }

    @Test func `an order that cannot be read is said to have been placed`() async throws {
        let broker = try TestBroker { call, _ in [TestBroker.reply(to: call, Empty())] }
        let client = try StampedeClient(brokers: [broker.endpoint])
        let error = try #require(await failure(of: client))
        #expect(error.status == .internal)
        #expect(error.certainty == .executed)
        #expect(error.requestKey == RequestKey(rawValue: 5))
        await client.close()
    }

    @Test func `cancelling a task ends its call and withdraws the attempt`() async throws {
        let broker = try TestBroker(TestBroker.silence)
        let client = try StampedeClient(brokers: [broker.endpoint])
        let task = Task { await failure(of: client, options: CallOptions(deadline: .seconds(60))) }
        #expect(await eventually { broker.calls.count == 1 })
        task.cancel()
        let error = try #require(await task.value)
        #expect(error.status == .cancelled)
        #expect(error.certainty == .maybeExecuted)
        #expect(await eventually { broker.cancels.map(\.callID) == broker.calls.map(\.callID) })
        await client.close()
    }

    @Test func `a task that was cancelled before does not wait`() async throws {
        let client = try StampedeClient(brokers: [TestBroker.newEndpoint()])
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure(of: client, options: CallOptions(deadline: .seconds(60)))
        }
        let error = try #require(await task.value)
        #expect(error.status == .cancelled)
        #expect(error.certainty == .notExecuted)
        await client.close()
    }

    @Test func `the bound on calls refuses at once`() async throws {
        var configuration = ClientConfiguration()
        configuration.maximumCallsInFlight = 8
        let broker = try TestBroker(TestBroker.silence)
        let client = try StampedeClient(brokers: [broker.endpoint], configuration: configuration)
        let errors = await withTaskGroup(of: CallError?.self) { group in
            for _ in 0..<20 {
                group.addTask { await failure(of: client, options: CallOptions(deadline: .seconds(1))) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let refused = errors.filter { $0?.status == .resourceExhausted }
        #expect(refused.count == 12)
        #expect(refused.allSatisfy { $0?.certainty == .notExecuted })
        #expect(errors.filter { $0?.status == .deadlineExceeded }.count == 8)
        await client.close()
    }

    @Test func `closing ends what is in flight and refuses what comes`() async throws {
        let broker = try TestBroker(TestBroker.silence)
        let client = try StampedeClient(brokers: [broker.endpoint])
        let tasks = (0..<50).map { _ in
            Task { await failure(of: client, options: CallOptions(deadline: .seconds(60))) }
        }
        #expect(await eventually { broker.calls.count == 50 })
        await client.close()
        for task in tasks {
            let error = try #require(await task.value)
            #expect(error.status == .unavailable)
            #expect(error.certainty == .maybeExecuted)
        }
        let late = try #require(await failure(of: client))
        #expect(late.certainty == .notExecuted)
        await client.close()
    }

    @Test func `ten thousand calls at once each end once`() async throws {
        let answered = Answers()
        let brokers = [try TestBroker(answered.some), try TestBroker(answered.some)]
        let client = try StampedeClient(brokers: brokers.map(\.endpoint))
        let (orders, errors) = await withTaskGroup(of: Result<Order, CallError>.self) { group in
            for number in 1...10_000 {
                group.addTask {
                    do throws(CallError) {
                        return .success(
                            try await client.placeOrder(
                                sale: sale, buyer: BuyerID(rawValue: Int64(number)),
                                options: CallOptions(deadline: .seconds(60))))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var orders: Set<Int64> = []
            var errors = 0
            for await result in group {
                switch result {
                case .success(let order): orders.insert(order.buyer.rawValue)
                case .failure: errors += 1
                }
            }
            return (orders, errors)
        }
        #expect(orders.count + errors == 10_000)
        #expect(orders.count > 9_000)
        await client.close()
    }

    /// Mostly yes; now and then a refusal that passes, or one that does not.
    private final class Answers: Sendable {
        let count = Atomic<Int>(0)
        var some: TestBroker.Answer {
            { [self] call, body in
                switch count.wrappingAdd(1, ordering: .relaxed).newValue % 50 {
                case 0: [TestBroker.refuse(call, .unavailable, .notExecuted, .noOwner)]
                case 1: [TestBroker.refuse(call, .failedPrecondition, .executed, .soldOut)]
                default: TestBroker.yes(call, body)
                }
            }
        }
    }

    @Test func `a draining broker is left for another`() async throws {
        let leaving = try TestBroker()
        let staying = try TestBroker()
        let client = try StampedeClient(brokers: [leaving.endpoint, staying.endpoint])
        #expect(
            await eventually {
                _ = try? await client.placeOrder(sale: sale, buyer: buyer)
                return !leaving.calls.isEmpty && !staying.calls.isEmpty
            })
        var goAway = Header(.goAway)
        goAway.milliseconds = 60_000
        leaving.tellEverybody(Frame.encode(goAway))
        #expect(
            await eventually {
                let before = leaving.calls.count
                for _ in 0..<10 { _ = try? await client.placeOrder(sale: sale, buyer: buyer) }
                return leaving.calls.count == before
            })
        await client.close()
    }

    @Test func `every broker is asked for its status`() async throws {
        let status = BrokerStatus(
            name: "b1", uptimeMilliseconds: 1, clients: 1, inFlight: 0, parked: 0, calls: 0, malformed: 0,
            gateRefusals: 0, rate: 0, workers: [], partitions: [], gates: [])
        let broker = try TestBroker { call, _ in [TestBroker.reply(to: call, status)] }
        let client = try StampedeClient(brokers: [TestBroker.newEndpoint(), broker.endpoint])
        let answers = await client.brokerStatus(options: CallOptions(deadline: .milliseconds(500)))
        #expect(answers.map(\.endpoint) == client.brokers)
        #expect(throws: CallError.self) { try answers[0].status.get() }
        #expect(try answers[1].status.get() == status)
        await client.close()
    }

    @Test(
        arguments: [
            [], ["tcp://127.0.0.1"], ["tcp://:80"], ["tcp://host:0"], ["tcp://host:99999"], ["ipc://"],
            ["udp://a:1"], ["ipc:///tmp/ok", "7100"], ["ipc:///" + String(repeating: "x", count: 120)],
        ])
    func `malformed endpoints are refused`(brokers: [String]) {
        let error = #expect(throws: CallError.self) { try StampedeClient(brokers: brokers) }
        #expect(error?.status == .invalidArgument)
    }

    @Test func `keys are random and never zero`() {
        let keys = Set((0..<1_000).map { _ in RequestKey.random() })
        #expect(keys.count == 1_000)
        #expect(!keys.contains(RequestKey(rawValue: 0)))
    }
}

extension StampedeClient {
    /// True when so many brokers are up, whatever they answer.
    fileprivate func brokersAnswer(_ count: Int, deadline: TimeAmount = .milliseconds(200)) async -> Bool {
        let answers = await brokerStatus(options: CallOptions(deadline: deadline, maximumAttempts: 1))
        return answers.count { answer in
            guard case .failure(let error) = answer.status else { return true }
            return error.status != .deadlineExceeded || error.certainty == .maybeExecuted
        } >= count
    }
}
