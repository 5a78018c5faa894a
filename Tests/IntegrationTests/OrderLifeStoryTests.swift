import Client
import Foundation
import Methods
import Sales
import Testing
import Wire

/// What happens to orders and sales after the first yes: real processes, and the commands for it.
@Suite struct OrderLifeStoryTests {
    @Test func `orders expire, are cancelled, paid and revoked, and a sale is changed while it runs`()
        async throws
    {
        let folder = try Folder()
        let (cluster, _) = try await ClusterStoryTests.up(folder, ["--workers", "2"])
        func stampede(_ line: String) async throws -> Program.Result {
            try await Program.run(
                line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
        }
        func state(_ order: String) async throws -> String? {
            try await stampede("order show \(order) --json").json["state"] as? String
        }
        func sale(_ field: String) async throws -> Any? {
            try await stampede("sale show 7 --json").json[field]
        }
        func place(_ buyer: Int) async throws -> String {
            let placed = try await stampede("order place --sale 7 --buyer \(buyer) --json")
            #expect(placed.code == 0, "\(placed.err)")
            return try #require(placed.json["order"] as? String)
        }
        let created = try await stampede(
            "sale create x --units 3 --price 1 --sale 7 --hold 2s --payment-time 30s")
        #expect(created.code == 0, "\(created.err)")

        // The hold runs out, and the unit is for sale again.
        let first = try await place(1)
        #expect(try await eventually { try await state(first) == "expired" })
        #expect(try await sale("left") as? Int == 3)

        // Paid orders stay, cancelled ones do not.
        let paid = try await place(2)
        let client = try BreakerStoryTests.client(folder)
        let id = try #require(OrderID(paid))
        let attempt = RequestKey.random()
        let begun = try await client.beginPayment(id, buyer: BuyerID(rawValue: 2), attempt: attempt)
        #expect(begun.state == .paying && begun.until != nil)
        let stranger = await #expect(throws: CallError.self) {
            try await client.beginPayment(id, buyer: BuyerID(rawValue: 3), attempt: .random())
        }
        #expect(stranger?.reason == .unknownOrder)
        let second = await #expect(throws: CallError.self) {
            try await client.beginPayment(id, buyer: BuyerID(rawValue: 2), attempt: .random())
        }
        #expect(second?.reason == .wrongState)
        #expect(try await client.unsettledPayments(of: id.partition).payments.map(\.attempt) == [attempt])
        for _ in 0..<2 {
            #expect(try await client.recordPayment(id, attempt: attempt, .taken).state == .paid)
        }
        let cancelled = try await place(3)
        #expect(try await stampede("order cancel \(cancelled) --buyer 4").err.contains("unknownOrder"))
        #expect(try await stampede("order cancel \(cancelled) --buyer 3").code == 0)
        #expect(try await stampede("order cancel \(paid) --buyer 2").err.contains("wrongState"))

        // The sale is changed while it runs, by whom and why is written down.
        #expect(try await stampede("sale pause 7 --dry-run").out.contains("Nothing was done"))
        #expect(try await stampede("sale pause 7 --actor ada --reason recount").code == 0)
        #expect(try await stampede("order place --sale 7 --buyer 5").err.contains("paused"))
        #expect(try await stampede("sale resume 7").code == 0)
        #expect(try await stampede("sale withdraw-units 7 1").err.contains("--confirm 7"))
        #expect(try await stampede("sale withdraw-units 7 9 --confirm 7").err.contains("notEnough"))
        #expect(try await stampede("sale withdraw-units 7 1 --confirm 7").code == 0)
        #expect(try await stampede("sale limit 7 2").code == 0)
        #expect(try await sale("left") as? Int == 1)

        // What was paid goes back when an operator ends the order.
        #expect(try await stampede("order revoke \(paid)").code == 64)
        #expect(try await stampede("order revoke \(paid) --confirm \(paid) --reason mistake").code == 0)
        #expect(try await state(paid) == "refunding")
        #expect(try await client.recordPayment(id, attempt: attempt, .refunded).state == .refunded)
        #expect(try await sale("left") as? Int == 2)

        await client.close()
        let audit = try await stampede("audit --json")
        #expect(audit.code == 0 && audit.json["ok"] as? Bool == true, "\(audit.out)")
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
    }
}
