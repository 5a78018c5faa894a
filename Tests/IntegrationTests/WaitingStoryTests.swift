import Client
import Foundation
import Methods
import Sales
import Synchronization
import Testing
import Wire

/// Who waits for units that come back, and who watches: real processes, and the commands for it.
@Suite struct WaitingStoryTests {
    @Test func `who waits is served in turn, watchers see it, and a killed owner changes nothing`()
        async throws
    {
        let folder = try Folder()
        let (cluster, pids) = try await ClusterStoryTests.up(folder, ["--workers", "2"])
        func stampede(_ line: String) async throws -> Program.Result {
            try await Program.run(
                line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
        }
        let created = try await stampede("sale create x --units 2 --price 1 --sale 7 --limit 2 --hold 60s")
        #expect(created.code == 0, "\(created.err)")
        let client = try BreakerStoryTests.client(folder)
        let sale = SaleID(rawValue: 7)
        func key(_ number: Int64) -> RequestKey { RequestKey(rawValue: UInt128(number)) }
        func wait(_ buyer: Int64, _ quantity: Int32) -> Task<WaitState, any Error> {
            Task {
                try await client.waitForUnits(
                    sale: sale, buyer: BuyerID(rawValue: buyer), quantity: quantity, key: key(buyer))
            }
        }
        func waiting() async throws -> Int64 { try await client.sale(sale).waiting }
        let seen = Mutex<[SaleUpdate]>([])
        let watching = Task {
            try await client.followSale(sale) { update in
                seen.withLock { $0.append(update) }
                return true
            }
        }

        let first = try await client.placeOrder(
            sale: sale, buyer: BuyerID(rawValue: 1), quantity: 2, key: key(1))
        let none = await #expect(throws: CallError.self) {
            try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 9), key: .random())
        }
        #expect(none?.reason == .soldOut)
        #expect(none?.details?.held == 2 && none?.details?.next == first.until)
        let told = try await stampede("order place --sale 7 --buyer 9").err
        #expect(told.contains("2 held, the next may return at") && told.contains("order wait"), "\(told)")

        // Buyer 2 comes first, and then 3.
        let second = wait(2, 1)
        #expect(try await eventually { try await waiting() == 1 })
        let third = wait(3, 2)
        #expect(try await eventually { try await waiting() == 2 })

        #expect(await eventually { seen.withLock { $0.contains { $0.sale.waiting == 2 } } })

        // Their places are in the ledger, not in the worker.
        for (name, pid) in pids where name.hasPrefix("worker-1") { kill(pid, SIGKILL) }
        let order = try await eventuallyCancel(client, first.id)
        #expect(order.state == .cancelled)
        guard case .offered(let offer) = try await second.value else {
            Issue.record("buyer 2 has no order")
            return
        }
        #expect(offer.quantity == 1 && offer.key == key(2) && offer.until != nil)
        // One unit is left, and buyer 3 wants two: nobody else gets it meanwhile.
        let later = await #expect(throws: CallError.self) {
            try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 9), key: .random())
        }
        #expect(later?.reason == .waitersFirst, "\(String(describing: later))")
        #expect(try await client.cancelOrder(offer.id, buyer: offer.buyer).state == .cancelled)
        guard case .offered(let both) = try await third.value else {
            Issue.record("buyer 3 has no order")
            return
        }
        #expect(both.quantity == 2)

        // By the command, which ends with the order; and a key that is settled is given up.
        let given = wait(4, 1)
        #expect(try await eventually { try await waiting() == 1 })
        #expect(try await client.settleOrder(sale: sale, buyer: BuyerID(rawValue: 4), key: key(4)) == .voided)
        #expect(try await given.value == .ended(.givenUp))
        #expect(try await stampede("sale add-units 7 1").code == 0)
        let waited = try await stampede("order wait --sale 7 --buyer 5 --key 55 --json")
        #expect(waited.code == 0 && waited.out.contains("\"offered\""), "\(waited.out) \(waited.err)")

        // Found and exported.
        let csv = try await stampede("order list --sale 7 --format csv").out
        #expect(csv.split(separator: "\r\n").count == 5, "\(csv)")
        let file = folder.data + "/orders.json"
        #expect(
            try await stampede("order list --sale 7 --state cancelled --format json --out \(file)").code == 0)
        let exported = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
        #expect((exported as? [[String: Any]])?.count == 2)
        let mine = try await stampede("order list --sale 7 --buyer 3").out
        #expect(mine.contains("\(both.id)") && !mine.contains("\(offer.id)"))

        // An order is watched from a version on.
        let versions = Mutex<[Int32]>([])
        try await client.followOrder(offer.id, after: 1) { update in
            versions.withLock { $0.append(update.order.version) }
            return false
        }
        #expect(versions.withLock { $0 } == [2])
        #expect(await eventually { seen.withLock { $0.last?.sale.waiting == 0 } })
        #expect(seen.withLock { zip($0, $0.dropFirst()).allSatisfy { $0.sequence <= $1.sequence } })
        watching.cancel()
        _ = await watching.result

        await client.close()
        let audit = try await stampede("audit --json")
        #expect(audit.code == 0 && audit.json["ok"] as? Bool == true, "\(audit.out)")
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
    }

    /// Until the next owner is there, calls may be refused as not executed.
    private func eventuallyCancel(_ client: StampedeClient, _ order: OrderID) async throws -> Order {
        try await client.cancelOrder(
            order, buyer: BuyerID(rawValue: 1),
            options: CallOptions(deadline: .seconds(30), maximumAttempts: 15))
    }
}
