import Client
import Digests
import Foundation
import HTTP
import Methods
import Sales
import Testing
import Wire

/// Paying: real processes, and a provider whose answers the test holds back.
@Suite struct PaymentStoryTests {
    static let secret = "0123456789abcdef0123456789abcdef"

    /// Commands to the cluster in a folder.
    struct Console: Sendable {
        let folder: Folder

        func stampede(_ line: String) async throws -> Program.Result {
            try await Program.run(
                line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
        }

        func pay(
            _ order: String, _ buyer: Int, _ token: String, _ more: String = ""
        ) async throws -> Program.Result {
            try await stampede("order pay \(order) --buyer \(buyer) --token \(token) --json \(more)")
        }
    }

    /// A cluster with a provider, in a folder of its own.
    struct Scene {
        let folder: Folder
        let cluster: Program
        let provider = HeldProvider()

        init() async throws {
            folder = try Folder()
            (cluster, _) = try await ClusterStoryTests.up(folder, ["--workers", "2"])
            try provider.start()
            for (name, text) in [
                ("provider.key", HeldProvider.key), ("webhook.key", PaymentStoryTests.secret),
            ] {
                try Data("\(text)\n".utf8).write(to: folder.url.appendingPathComponent(name))
                chmod("\(folder.path)/\(name)", 0o600)
            }
        }

        var providerOptions: String {
            "--provider \(provider.url) --provider-key-file \(folder.path)/provider.key"
        }

        var console: Console { Console(folder: folder) }

        func stampede(_ line: String) async throws -> Program.Result { try await console.stampede(line) }

        /// Starts the process that pays, and waits until it is there.
        func payments() async throws -> Program {
            let line =
                "payments \(providerOptions) --webhook-secret-file \(folder.path)/webhook.key --webhook-port 0 "
                + "--provider-timeout 3000 --patience 6000 --sweep 200 --data \(folder.data)"
            let payments = try Program(line.split(separator: " ").map(String.init), in: folder)
            let isThere = try await eventually {
                try await stampede("call --list").out.contains("order.pay")
            }
            try #require(isThere, "\(payments.err)")
            return payments
        }

        func place(_ sale: Int, _ buyer: Int) async throws -> String {
            let placed = try await stampede("order place --sale \(sale) --buyer \(buyer) --json")
            return try #require(placed.json["order"] as? String, "\(placed.err)")
        }

        func state(_ order: String) async throws -> String? {
            try await stampede("order show \(order) --json").json["state"] as? String
        }

        func becomes(_ order: String, _ wanted: String) async throws -> Bool {
            try await eventually { try await state(order) == wanted }
        }

        func pay(
            _ order: String, _ buyer: Int, _ token: String, _ more: String = ""
        ) async throws -> Program.Result {
            try await console.pay(order, buyer, token, more)
        }

        /// Waits until so many answers were held back.
        func holds(_ count: Int) async -> Bool { await eventually { provider.holds >= count } }

        func stop() async throws {
            provider.release()
            await provider.stop()
            cluster.signal(SIGINT)
            #expect(try await cluster.result().code == 0)
        }
    }

    @Test func `orders are paid once, whatever is killed, late, repeated or forged`() async throws {
        let scene = try await Scene()
        let (provider, console) = (scene.provider, scene.console)
        #expect(
            try await scene.stampede(
                "sale create x --units 50 --price 89.90 --limit 5 --sale 7 --hold 60s --payment-time 60s"
            ).code == 0)
        var payments = try await scene.payments()

        // Two tabs at once.
        let first = try await scene.place(7, 1)
        async let tab = console.pay(first, 1, "tok_hold", "--timeout 20")
        #expect(await scene.holds(1))
        #expect(try await scene.pay(first, 1, "tok_ok").err.contains("beingPaid"))
        provider.release()
        let paid = try await tab
        #expect(paid.code == 0 && paid.json["state"] as? String == "paid", "\(paid.err)")
        #expect(provider.taken(first).map(\.amount) == ["8990"])
        #expect(try await scene.pay(first, 1, "tok_ok").err.contains("alreadyPaid"))

        // Killed between charge and record: paid once by its successor, which asks and does not charge.
        let second = try await scene.place(7, 2)
        async let lost = console.pay(second, 2, "tok_hold", "--timeout 2")
        #expect(await scene.holds(2))
        payments.signal(SIGKILL)
        _ = try await payments.result()
        #expect(try await scene.state(second) == "paying")
        #expect(try await lost.code != 0)
        payments = try await scene.payments()
        #expect(try await scene.becomes(second, "paid"), "\(payments.err)")
        #expect(provider.taken(second).count == 1)

        // The answer comes too late, the money came in time.
        let third = try await scene.place(7, 3)
        let late = try await scene.pay(third, 3, "tok_hold")
        #expect(late.code == 0 && late.json["state"] as? String == "paid", "\(late.err)")
        #expect(provider.taken(third).count == 1)

        // Declined, and paid by another attempt.
        let fourth = try await scene.place(7, 4)
        let declined = try await scene.pay(fourth, 4, "tok_declined")
        #expect(declined.code == 1 && declined.err.contains("paymentDeclined"), "\(declined.err)")
        let attempt = "--attempt 00000000-0000-0000-0000-0000000000aa"
        #expect(try await scene.pay(fourth, 4, "tok_ok", attempt).code == 0)
        #expect(try await scene.pay(fourth, 4, "tok_ok", attempt).code == 0)
        #expect(try await scene.pay(fourth, 4, "tok_other", attempt).code == 0, "it is paid, whatever with")
        #expect(provider.taken(fourth).count == 1)

        // What is not there, or somebody else's.
        #expect(try await scene.pay("1-99999", 4, "tok_ok").err.contains("unknownOrder"))
        #expect(try await scene.pay(fourth, 5, "tok_ok").err.contains("unknownOrder"))

        // Given back when an operator ends it; then nobody can pay for it any more.
        #expect(try await scene.stampede("order revoke \(fourth) --confirm \(fourth)").code == 0)
        #expect(try await scene.becomes(fourth, "refunded"))
        #expect(provider.taken(fourth).filter { !$0.isRefunded }.isEmpty)
        #expect(try await scene.pay(fourth, 4, "tok_ok").err.contains("notPayable"))

        try await webhooks(scene, payments)

        // All of it is at the provider as it is in the ledger.
        let reconciled = try await scene.stampede("payments reconcile \(scene.providerOptions) --json")
        #expect(reconciled.code == 0 && reconciled.json["ok"] as? Bool == true, "\(reconciled.out)")
        provider.add(
            .init(
                attempt: String(repeating: "b", count: 32), order: first, amount: "1", token: "x",
                status: "taken"))
        let differs = try await scene.stampede("payments reconcile \(scene.providerOptions) --json")
        #expect(differs.code == 1 && differs.json["differing"] as? Int == 1, "\(differs.out)")
        let audit = try await scene.stampede("audit --json")
        #expect(audit.code == 0 && audit.json["ok"] as? Bool == true, "\(audit.out)")

        payments.signal(SIGTERM)
        #expect(try await payments.result().code == 0)
        try await scene.stop()
    }

    /// An attempt that was begun by somebody else: a webhook makes the process look, if it is one of the provider's.
    private func webhooks(_ scene: Scene, _ payments: Program) async throws {
        let order = try await scene.place(7, 6)
        let id = try #require(OrderID(order))
        let attempt = RequestKey(rawValue: 0xcc)
        let digits = String(repeating: "0", count: 30) + "cc"
        let client = try BreakerStoryTests.client(scene.folder)
        _ = try await client.beginPayment(id, buyer: BuyerID(rawValue: 6), attempt: attempt)
        await client.close()
        let line = payments.err.split(separator: "\n").first { $0.contains("Listening for webhooks") }
        let address = try #require(
            line?.split(separator: " ").first { $0.hasPrefix("address=") }?.dropFirst("address=".count))
        let http = HTTPClient(connections: 1)
        defer { http.close() }
        func send(_ event: String, age: Int64 = 0, by secret: String = PaymentStoryTests.secret) async throws
            -> Int
        {
            let body = Array(
                #"{"id":"\#(event)","type":"charge.taken","attempt":"\#(digits)","order":"\#(order)","created":1}"#
                    .utf8)
            let now = Int64(Date().timeIntervalSince1970)
            let header = WebhookSignature.header(secret: Array(secret.utf8), time: now - age, body: body)
            return try await http.send(
                HTTPRequest(
                    .post, "http://\(address)/webhooks/provider",
                    headers: [(WebhookSignature.header, header)],
                    body: body)
            ).status
        }
        #expect(try await send("evt_1", by: "another secret of 32 characters.") == 401)
        #expect(try await send("evt_1", age: 301) == 409)
        #expect(try await scene.state(order) == "paying")
        scene.provider.add(
            .init(attempt: digits, order: order, amount: "8990", token: "tok_ok", status: "taken"))
        #expect(try await send("evt_1") == 200)
        #expect(try await send("evt_1") == 409)
        #expect(try await scene.becomes(order, "paid"))
        #expect(scene.provider.taken(order).count == 1)
    }

    @Test func `money that comes late buys what is left, or goes back`() async throws {
        let scene = try await Scene()
        #expect(
            try await scene.stampede(
                "sale create x --units 1 --price 5 --limit 1 --sale 8 --hold 1s --payment-time 1s"
            ).code == 0)
        let (payments, console) = (try await scene.payments(), scene.console)
        let first = try await scene.place(8, 1)
        // The provider's answer is held until the order has expired, and for less than the process waits for it.
        async let early = console.pay(first, 1, "tok_hold", "--timeout 20")
        #expect(await scene.holds(1))
        #expect(try await scene.becomes(first, "expired"))
        scene.provider.release()
        #expect(try await early.code == 0)
        #expect(try await scene.state(first) == "paid", "its unit was still there")

        #expect(try await scene.stampede("sale add-units 8 1").code == 0)
        let second = try await scene.place(8, 2)
        let client = try BreakerStoryTests.client(scene.folder)
        let attempt = RequestKey(rawValue: 0xdd)
        let id = try #require(OrderID(second))
        payments.signal(SIGSTOP)
        _ = try await client.beginPayment(id, buyer: BuyerID(rawValue: 2), attempt: attempt)
        #expect(try await scene.becomes(second, "expired"))
        _ = try await scene.place(8, 3)
        scene.provider.add(
            .init(
                attempt: String(repeating: "0", count: 30) + "dd", order: second, amount: "500",
                token: "tok_ok",
                status: "taken"))
        payments.signal(SIGCONT)
        #expect(try await scene.becomes(second, "refunded"), "\(payments.err)")
        #expect(scene.provider.taken(second).filter { !$0.isRefunded }.isEmpty)
        await client.close()

        payments.signal(SIGTERM)
        #expect(try await payments.result().code == 0)
        try await scene.stop()
    }
}
