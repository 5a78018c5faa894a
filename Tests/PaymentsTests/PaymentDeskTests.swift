import Client
import Digests
import Foundation
import HTTPServer
import Logging
import Methods
import Payments
import Resilience
import Sales
import StampedeTesting
import Synchronization
import Testing
import Wire
import ZeroMQ

/// A desk between a broker with books in memory, and a provider in memory.
@Suite struct PaymentDeskTests {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    static let sale = SaleID(rawValue: 7)

    struct Scene {
        let fake: FakeStampede
        let client: StampedeClient
        let provider = MemoryProvider()
        let desk: PaymentDesk

        init(_ fake: FakeStampede) throws {
            self.fake = fake
            client = try StampedeClient(brokers: fake.brokers)
            desk = Scene.desk(client, provider)
        }

        static func desk(
            _ client: StampedeClient, _ provider: MemoryProvider, patience: TimeAmount = .seconds(30),
            logger: Logger = quiet
        ) -> PaymentDesk {
            var configuration = PaymentDesk.Configuration()
            configuration.patience = patience
            configuration.retry = Backoff(base: .milliseconds(5), ceiling: .milliseconds(50))
            return PaymentDesk(
                owners: CalledOwners(client: client),
                provider: GuardedProvider(provider, timeout: .seconds(1), seed: 1, logger: quiet),
                configuration: configuration, logger: logger)
        }

        func create(units: Int32 = 10, hold: Int32 = 60, payment: Int32 = 30) async throws {
            _ = try await client.call(
                SaleMethods.create,
                CreateSale(
                    sale: sale, key: .random(), name: "Lamp", price: 500, currency: "EUR", units: units,
                    limit: 5, hold: hold, payment: payment))
        }

        func place(_ buyer: Int64) async throws -> OrderID {
            try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: buyer)).id
        }

        func pay(
            _ order: OrderID, _ buyer: Int64, _ token: String = "tok_ok", _ attempt: RequestKey = .random(),
            within time: TimeAmount = .seconds(20)
        ) async -> Result<Order, PaymentRefusal> {
            let request = PayOrder(
                order: order, buyer: BuyerID(rawValue: buyer), attempt: attempt, token: token)
            do throws(PaymentRefusal) {
                return .success(try await desk.pay(request, until: .now() + time))
            } catch {
                return .failure(error)
            }
        }

        func state(_ order: OrderID) async throws -> Order.State { try await client.order(order).state }
    }

    private func run(_ body: (Scene) async throws -> Void) async throws {
        try await FakeStampede.run { fake in
            let scene = try Scene(fake)
            try await body(scene)
            await scene.desk.close()
            await scene.client.close()
        }
    }

    private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            if .now > end { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    @Test func `an order is paid once, however often it is asked for`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            let attempt = RequestKey.random()
            for _ in 0..<3 {
                let paid = try await scene.pay(order, 1, "tok_ok", attempt).get()
                #expect(paid.state == .paid && paid.attempt == attempt)
            }
            #expect(await scene.provider.asked == 1)
            #expect(await scene.pay(order, 1) == .failure(.alreadyPaid))
            guard case .failure(.owner(let stranger)) = await scene.pay(order, 2) else {
                Issue.record("it is somebody else's order")
                return
            }
            #expect(stranger.reason == .unknownOrder && stranger.status == .notFound)
        }
    }

    @Test func `two tabs that pay at once are charged once`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            async let first = scene.pay(order, 1, "tok_wait")
            #expect(try await eventually { await scene.provider.heldCount == 1 })
            #expect(await scene.pay(order, 1) == .failure(.beingPaid))
            await scene.provider.release()
            #expect(try await first.get().state == .paid)
            #expect(await scene.provider.all.count == 1)
        }
    }

    @Test func `a declined attempt leaves the order for another`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            let attempt = RequestKey.random()
            #expect(
                await scene.pay(order, 1, "tok_declined", attempt)
                    == .failure(.declined("insufficient funds")))
            // The same attempt stays declined.
            #expect(await scene.pay(order, 1, "tok_declined", attempt) == .failure(.declined(nil)))
            #expect(try await scene.pay(order, 1).get().state == .paid)
        }
    }

    @Test func `a charge without an answer is found and paid, one that never was is cancelled`() async throws
    {
        try await run { scene in
            try await scene.create()
            let (first, second) = (try await scene.place(1), try await scene.place(2))
            #expect(try await scene.pay(first, 1, "tok_hang").get().state == .paid)
            #expect(await scene.pay(second, 2, "tok_error") == .failure(.declined(nil)))
            #expect(try await scene.state(second) == .reserved)
            #expect(await scene.provider.taken == 1)
        }
    }

    @Test func `a caller that cannot wait is told so, and the payment goes on`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            let attempt = RequestKey.random()
            let first = await scene.pay(order, 1, "tok_pending", attempt, within: .milliseconds(50))
            #expect(first == .failure(.pending))
            #expect(await scene.pay(order, 1, "tok_ok", attempt, within: .seconds(9)) == .failure(.keyReused))
            await scene.provider.decide(attempt, .taken)
            #expect(scene.desk.hint(order, attempt))
            #expect(try await scene.pay(order, 1, "tok_pending", attempt).get().state == .paid)
        }
    }

    @Test func `whoever comes after a crash finishes what was charged, and closes what was not`() async throws
    {
        try await run { scene in
            try await scene.create()
            let orders = [try await scene.place(1), try await scene.place(2)]
            let attempts = [RequestKey.random(), .random()]
            for (number, order) in orders.enumerated() {
                _ = try await scene.client.beginPayment(
                    order, buyer: BuyerID(rawValue: Int64(number + 1)), attempt: attempts[number])
            }
            _ = try await scene.provider.charge(
                ChargeRequest(
                    order: orders[0], attempt: attempts[0], amount: 500, currency: "EUR", token: "tok_ok"))
            let desk = Scene.desk(scene.client, scene.provider, patience: .milliseconds(200))
            #expect(await desk.sweep() == 2)
            #expect(try await eventually { try await scene.state(orders[0]) == .paid })
            #expect(try await eventually { try await scene.state(orders[1]) == .reserved })
            // What comes late is not charged any more.
            let late = try await scene.provider.charge(
                ChargeRequest(
                    order: orders[1], attempt: attempts[1], amount: 500, currency: "EUR", token: "tok_ok"))
            #expect(late.status == .declined)
            #expect(try await eventually { desk.inHand == 0 })
            #expect(await desk.sweep() == 0)
            await desk.close()
        }
    }

    @Test func `money that comes too late buys again what is left, and goes back when nothing is`()
        async throws
    {
        try await run { scene in
            try await scene.create(units: 1, hold: 1, payment: 1)
            let order = try await scene.place(1)
            async let first = scene.pay(order, 1, "tok_wait")
            #expect(try await eventually { await scene.provider.heldCount == 1 })
            scene.fake.advanceClock(by: .seconds(5))
            #expect(try await scene.state(order) == .expired)
            await scene.provider.release()
            #expect(try await first.get().state == .paid)

            try await scene.client.add(1)
            let second = try await scene.place(2)
            async let late = scene.pay(second, 2, "tok_wait")
            #expect(try await eventually { await scene.provider.heldCount == 1 })
            scene.fake.advanceClock(by: .seconds(5))
            #expect(try await scene.state(second) == .expired)
            _ = try await scene.place(3)
            await scene.provider.release()
            #expect(await late == .failure(.notPayable(.refunded)))
            #expect(await scene.provider.taken == 1)
            #expect(await scene.pay(second, 2) == .failure(.notPayable(.refunded)))
        }
    }

    @Test func `what an operator revokes is given back`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            _ = try await scene.pay(order, 1).get()
            _ = try await scene.client.revokeOrder(order, actor: "ada", reason: "test")
            #expect(await scene.desk.sweep() == 1)
            #expect(try await eventually { try await scene.state(order) == .refunded })
            #expect(await scene.provider.taken == 0)
            #expect(await scene.pay(order, 1) == .failure(.notPayable(.refunded)))
        }
    }

    @Test func `while the provider is down nothing is begun, and what was is finished afterwards`()
        async throws
    {
        try await run { scene in
            try await scene.create()
            await scene.provider.setDown(true)
            let first = try await scene.place(1)
            let attempt = RequestKey.random()
            #expect(
                await scene.pay(first, 1, "tok_ok", attempt, within: .milliseconds(200)) == .failure(.pending)
            )
            let second = try await scene.place(2)
            #expect(
                try await eventually {
                    if case .failure(.unavailable) = await scene.pay(second, 2, within: .milliseconds(20)) {
                        return true
                    }
                    return false
                })
            let third = try await scene.place(3)
            guard case .failure(.unavailable(let wait)) = await scene.pay(third, 3) else {
                Issue.record("the breaker is open")
                return
            }
            #expect(wait > .zero)
            #expect(try await scene.state(third) == .reserved)
            await scene.provider.setDown(false)
            #expect(try await eventually { try await scene.state(first) != .paying })
            #expect(await scene.provider.taken <= 1)
        }
    }

    final class Failures: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func add() { number.withLock { $0 += 1 } }
    }

    /// Counts the questions that the provider did not answer.
    struct CountingLog: LogHandler {
        let failures: Failures
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if event.message == "The payment provider gave no answer" { failures.add() }
        }
    }

    @Test func `an outage that uses up all retries ends with it, though nobody pays any more`() async throws {
        try await run { scene in
            try await scene.create(units: 20)
            for buyer in Int64(1)...15 {
                let order = try await scene.place(buyer)
                _ = try await scene.client.beginPayment(
                    order, buyer: BuyerID(rawValue: buyer), attempt: .random())
            }
            await scene.provider.setDown(true)
            let failures = Failures()
            let desk = Scene.desk(
                scene.client, scene.provider, patience: .milliseconds(200),
                logger: Logger(label: "test") { _ in CountingLog(failures: failures) })
            #expect(await desk.sweep() == 15)
            // Once each, and once more for each token.
            #expect(try await eventually { failures.count >= 30 })
            await scene.provider.setDown(false)
            #expect(try await eventually { desk.inHand == 0 })
            #expect(await desk.sweep() == 0)
            await desk.close()
        }
    }

    @Test func `bad fields are refused before anything is begun`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            #expect(await scene.pay(order, 1, "") == .failure(.badField("token")))
            #expect(await scene.pay(order, 1, "a\nb") == .failure(.badField("token")))
            #expect(
                await scene.pay(order, 1, "tok_ok", RequestKey(rawValue: 0)) == .failure(.badField("attempt"))
            )
            #expect(try await scene.state(order) == .reserved)
        }
    }

    @Test func `charges are compared with orders`() async throws {
        try await run { scene in
            try await scene.create()
            let reconciler = Reconciler(
                owners: CalledOwners(client: scene.client), provider: scene.provider)
            for buyer in 1...3 {
                _ = try await scene.pay(try await scene.place(Int64(buyer)), Int64(buyer)).get()
            }
            var report = try await reconciler.run()
            #expect(report.isClean && report.charges == 3 && report.matched == 3)
            // Somebody charges beside the ledger.
            let order = try await scene.place(9)
            let attempt = RequestKey.random()
            _ = try await scene.provider.charge(
                ChargeRequest(order: order, attempt: attempt, amount: 500, currency: "EUR", token: "tok_ok"))
            report = try await reconciler.run()
            #expect(report.findings.map(\.charge.attempt) == [attempt] && report.findingCount == 1)
        }
    }

    // MARK: Webhooks

    @Test func `a webhook is believed by its signature, once`() async throws {
        try await run { scene in
            try await scene.create()
            let order = try await scene.place(1)
            let attempt = RequestKey.random()
            _ = try await scene.client.beginPayment(order, buyer: BuyerID(rawValue: 1), attempt: attempt)
            let secret = Array("a secret of the test".utf8)
            let door = WebhookDoor(secret: secret, desk: scene.desk)
            let now: Int64 = 1_900_000_000
            func send(
                _ body: String, at time: Int64 = now, by secret: [UInt8] = secret,
                path: String = WebhookDoor.path,
                method: String = "POST"
            ) -> Int {
                let bytes = Array(body.utf8)
                let header = WebhookSignature.header(secret: secret, time: time, body: bytes)
                return door.answer(
                    method, path, headers: [WebhookSignature.header: header], body: bytes, now: now
                ).status
            }
            func event(_ id: String, order: String = "\(order)") -> String {
                """
                {"id":"\(id)","type":"charge.taken","attempt":"\(attempt.digits)","order":"\(order)","created":\(now)}
                """
            }
            #expect(send(event("evt_1"), by: Array("another secret".utf8)) == 401)
            #expect(send(event("evt_1"), at: now - 301) == 409)
            #expect(send("{}") == 400)
            #expect(send("not JSON") == 400)
            #expect(send(event("evt_1", order: "none")) == 400)
            #expect(send(event("evt_1"), path: "/") == 404)
            #expect(send(event("evt_1"), method: "GET") == 405)
            #expect(
                door.answer("POST", WebhookDoor.path, headers: [:], body: [], now: now).status == 400)
            #expect(scene.desk.inHand == 0, "none of these changed anything")
            // The charge is there, but its record is missing: the hint makes the desk look.
            _ = try await scene.provider.charge(
                ChargeRequest(order: order, attempt: attempt, amount: 500, currency: "EUR", token: "tok_ok"))
            #expect(send(event("evt_1")) == 200)
            #expect(send(event("evt_1")) == 409)
            #expect(try await eventually { try await scene.state(order) == .paid })
        }
    }
}

extension StampedeClient {
    fileprivate func add(_ units: Int32) async throws {
        _ = try await call(
            SaleMethods.change,
            ChangeSale(sale: PaymentDeskTests.sale, key: .random(), change: .addUnits(units)))
    }
}
