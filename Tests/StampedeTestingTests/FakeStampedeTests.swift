import Client
import Methods
import Sales
import Service
import StampedeTesting
import Testing
import Wire

@Suite(.timeLimit(.minutes(2))) struct FakeStampedeTests {
    private static let sale = SaleID(rawValue: 7)
    private static let buyer = BuyerID(rawValue: 42)

    private func lamp(_ units: Int32 = 10, opens: LedgerTime? = nil, closes: LedgerTime? = nil) -> CreateSale
    {
        CreateSale(
            sale: FakeStampedeTests.sale, key: .random(), name: "Lamp", price: 1_999, currency: "EUR",
            units: units, limit: 2, opensAt: opens, closesAt: closes)
    }

    /// Runs a test with a client and a sale of lamps.
    private func run(
        _ units: Int32 = 10, services: [Service] = [],
        _ test: (FakeStampede, StampedeClient) async throws -> Void
    ) async throws {
        try await FakeStampede.run(services: services) { fake in
            let client = try StampedeClient(brokers: fake.brokers)
            _ = try await client.createSale(lamp(units))
            try await test(fake, client)
            await client.close()
        }
    }

    private func reason(_ body: () async throws -> Void) async -> CallError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? CallError
        }
    }

    @Test func `an order is placed, found, repeated and settled`() async throws {
        try await run { fake, client in
            let key = RequestKey.random()
            let (sale, buyer) = (FakeStampedeTests.sale, FakeStampedeTests.buyer)
            let order = try await client.placeOrder(sale: sale, buyer: buyer, quantity: 2, key: key)
            #expect(order.amount == 3_998 && order.currency == "EUR")
            #expect(try await client.placeOrder(sale: sale, buyer: buyer, quantity: 2, key: key) == order)
            #expect(try await client.order(order.id) == order)
            #expect(try await client.settleOrder(sale: sale, buyer: buyer, key: key) == .placed(order))
            let stranger = RequestKey.random()
            #expect(try await client.settleOrder(sale: sale, buyer: buyer, key: stranger) == .voided)
            let voided = await reason {
                _ = try await client.placeOrder(sale: sale, buyer: buyer, key: stranger)
            }
            #expect(voided?.reason == .keyVoided && voided?.certainty == .executed)
            let found = try await client.sale(sale)
            #expect(found.left == 8 && found.state == .open)
            #expect(try await client.sales().sales.map(\.id) == [sale])
        }
    }

    @Test func `limits and stock are as in production`() async throws {
        try await run(3) { fake, client in
            let sale = FakeStampedeTests.sale
            _ = try await client.placeOrder(sale: sale, buyer: FakeStampedeTests.buyer, quantity: 2)
            let over = await reason {
                _ = try await client.placeOrder(sale: sale, buyer: FakeStampedeTests.buyer)
            }
            #expect(over?.reason == .overLimit && over?.details?.held == 2)
            let other = BuyerID(rawValue: 43)
            let few = await reason { _ = try await client.placeOrder(sale: sale, buyer: other, quantity: 2) }
            #expect(few?.reason == .notEnough && few?.details?.left == 1)
            _ = try await client.placeOrder(sale: sale, buyer: other)
            let none = await reason {
                _ = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 44))
            }
            #expect(none?.reason == .soldOut && none?.status == .failedPrecondition)
            _ = try await client.changeSale(sale, .addUnits(1))
            _ = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 44))
        }
    }

    @Test func `windows follow the clock that the test moves`() async throws {
        try await FakeStampede.run { fake in
            let client = try StampedeClient(brokers: fake.brokers)
            // Opens in 2033 and closes an hour later.
            let opens: Int64 = 2_000_000_000_000_000
            let hour: Int64 = 3_600_000_000
            _ = try await client.createSale(
                lamp(opens: LedgerTime(rawValue: opens), closes: LedgerTime(rawValue: opens + hour)))
            func attempt() async -> CallError? {
                await reason {
                    _ = try await client.placeOrder(
                        sale: FakeStampedeTests.sale, buyer: FakeStampedeTests.buyer)
                }
            }
            let early = await attempt()
            #expect(early?.reason == .notYetOpen && early?.details?.opens?.rawValue == opens)
            let now = try await client.createSale(
                CreateSale(
                    sale: SaleID(rawValue: 8), key: .random(), name: "Clock", price: 1, currency: "EUR",
                    units: 1, limit: 1)
            ).terms.opensAt
            fake.advanceClock(by: .microseconds(opens - now.rawValue + hour / 2))
            #expect(await attempt() == nil)
            fake.advanceClock(by: .microseconds(hour))
            #expect(await attempt()?.reason == .closed)
            await client.close()
        }
    }

    @Test func `several orders in one call have an answer each`() async throws {
        try await run(1) { fake, client in
            let request = PlaceMany(
                sale: FakeStampedeTests.sale, key: .random(),
                orders: [
                    OrderRequest(buyer: BuyerID(rawValue: 1), key: .random()),
                    OrderRequest(buyer: BuyerID(rawValue: 2), key: .random()),
                ])
            let answers = try await client.call(OrderMethods.placeMany, request).answers
            guard case .placed(let order) = answers.first, case .refused(_, let reason, _) = answers.last
            else {
                Issue.record("\(answers)")
                return
            }
            #expect(order.buyer == BuyerID(rawValue: 1) && reason == .soldOut)
        }
    }

    // MARK: What goes wrong

    @Test func `a refusal is answered as the test says`() async throws {
        try await run { fake, client in
            fake.refuse(
                of: "order.place",
                Failure(
                    .resourceExhausted, "Slow down.", certainty: .executed, reason: .overloaded,
                    retryAfter: .milliseconds(70)))
            let refused = await reason {
                _ = try await client.placeOrder(
                    sale: FakeStampedeTests.sale, buyer: FakeStampedeTests.buyer)
            }
            #expect(refused?.status == .resourceExhausted && refused?.reason == .overloaded)
            #expect(refused?.message == "Slow down." && refused?.retryAfter == .milliseconds(70))
            let sale = try await client.sale(FakeStampedeTests.sale)
            #expect(sale.left == 10)
        }
    }

    @Test func `a lost answer ends as maybe, and settling finds the order`() async throws {
        try await run { fake, client in
            fake.loseAnswer(of: "order.place")
            let key = RequestKey.random()
            let lost = await reason {
                _ = try await client.placeOrder(
                    sale: FakeStampedeTests.sale, buyer: FakeStampedeTests.buyer, key: key,
                    options: CallOptions(deadline: .milliseconds(300)))
            }
            #expect(lost?.status == .deadlineExceeded && lost?.certainty == .maybeExecuted)
            let settled = try await client.settleOrder(
                sale: FakeStampedeTests.sale, buyer: FakeStampedeTests.buyer, key: key)
            guard case .placed(let order) = settled else {
                Issue.record("\(settled)")
                return
            }
            #expect(order.key == key)
        }
    }

    @Test func `a late answer is awaited`() async throws {
        try await run { fake, client in
            fake.delay(of: "sale.get", by: .milliseconds(200))
            let clock = ContinuousClock()
            let start = clock.now
            _ = try await client.sale(FakeStampedeTests.sale)
            #expect(clock.now - start >= .milliseconds(200))
            // The time of the call shrinks meanwhile: one that is too late ends at its deadline.
            fake.delay(of: "sale.get", by: .seconds(5))
            let late = await reason {
                _ = try await client.sale(
                    FakeStampedeTests.sale, options: CallOptions(deadline: .milliseconds(200)))
            }
            #expect(late?.status == .deadlineExceeded)
        }
    }

    @Test func `an order survives the loss of its worker`() async throws {
        try await run { fake, client in
            fake.loseWorker(of: "order.place")
            let order = try await client.placeOrder(
                sale: FakeStampedeTests.sale, buyer: FakeStampedeTests.buyer,
                options: CallOptions(deadline: .seconds(30)))
            #expect(order.buyer == FakeStampedeTests.buyer)
            // It ran twice and was placed once.
            #expect(fake.count(of: "order.place") >= 2)
            #expect(try await client.sale(FakeStampedeTests.sale).orders == 1)
        }
    }

    @Test func `an order survives the loss of the broker`() async throws {
        try await run { fake, client in
            fake.delay(of: "order.place", by: .seconds(1))
            async let order = client.placeOrder(
                sale: FakeStampedeTests.sale, buyer: FakeStampedeTests.buyer,
                options: CallOptions(deadline: .seconds(30)))
            while fake.count(of: "order.place") == 0 { await Task.yield() }
            try await fake.restartBroker()
            #expect(try await order.buyer == FakeStampedeTests.buyer)
            #expect(try await client.sale(FakeStampedeTests.sale).orders == 1)
        }
    }

    // MARK: Services of the test's own

    @Test func `streams of every kind reach a service`() async throws {
        try await run(services: [greeter()]) { fake, client in
            var counted: [Int] = []
            try await client.stream(Greeter.count, Number(number: 40)) { replies in
                for try await reply in replies { counted.append(reply.number) }
            }
            #expect(counted == Array(1...40))
            let sum = try await client.stream(Greeter.sum) { items, replies in
                for number in 1...100 { try await items.send(Number(number: number)) }
                items.finish()
                return try await replies.reply()
            }
            #expect(sum.number == 5_050)
            let doubled = try await client.stream(Greeter.double) { items, replies in
                var doubled: [Int] = []
                for number in 1...40 {
                    try await items.send(Number(number: number))
                    if let reply = try await replies.next() { doubled.append(reply.number) }
                }
                items.finish()
                #expect(try await replies.next() == nil)
                return doubled
            }
            #expect(doubled == (1...40).map { 2 * $0 })
            #expect(try await client.call(Greeter.echo, Hello(name: "x")).text == "x")
        }
    }

    @Test func `a call without a key is maybe executed when its worker is lost`() async throws {
        try await run(services: [greeter()]) { fake, client in
            fake.loseWorker(of: "greeter.hello")
            let lost = await reason { _ = try await client.call(Greeter.hello, Hello(name: "x")) }
            #expect(lost?.status == .unavailable && lost?.certainty == .maybeExecuted)
            #expect(lost?.reason == .ownerLost)
        }
    }

    @Test func `health follows what the test says`() async throws {
        try await run(services: [greeter()]) { fake, client in
            func status() async throws -> Health.Status {
                try await client.call(HealthMethods.check, HealthCheck(service: "greeter")).status
            }
            #expect(try await status() == .serving)
            fake.setServing("greeter", false)
            while try await status() != .notServing {}
        }
    }
}
