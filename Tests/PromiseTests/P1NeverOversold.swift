import Client
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    @Suite struct NeverOversold {
        @Test func `units sold and left are the units added, though the owner is killed in the rush`()
            async throws
        {
            try await TestCluster.with(brokers: 2, workers: 2, partitions: 4) { cluster in
                let clients = try (0..<3).map { _ in try cluster.client() }
                let sale = try await cluster.createSale(clients[0], units: 100)
                let owner = try #require(await cluster.owner(of: sale, clients[0]))

                async let rush = Crowd.place(
                    (1...900).map { PlaceOrderRequest(buyer: $0) }, in: sale, through: clients, width: 60)
                async let added: Void = addUnits(to: sale, through: clients[1])
                try await eventually("the rush has begun") { try await cluster.unitsSold(sale) >= 20 }
                try await blocking { cluster.kill(owner) }
                let (tally, _) = try await (rush, added)

                #expect(tally.orders.count + tally.errors.count == 900)
                // Demand goes on until nothing is left.
                let late = await Crowd.place(
                    (901...1_300).map { PlaceOrderRequest(buyer: $0) }, in: sale, through: clients, width: 60)
                let end = try await clients[0].sale(sale)
                #expect(end.added == 200)
                #expect(end.left == 0)
                let sold = try await cluster.unitsSold(sale)
                #expect(sold == 200)
                #expect(try await cluster.violations() == [])
                // What was sold beyond the yeses are calls whose callers know that they do not know.
                let yes = tally.orderIDs.union(late.orderIDs)
                let unsure = (tally.errors + late.errors).count { $0.error.certainty == .maybeExecuted }
                #expect(yes.isSubset(of: try await cluster.orderIDs(sale)))
                #expect(sold - yes.count <= unsure)
                for client in clients { await client.close() }
            }
        }

        private func addUnits(to sale: SaleID, through client: StampedeClient) async throws {
            for _ in 0..<4 {
                _ = try await client.changeSale(
                    sale, .addUnits(25), options: CallOptions(deadline: .seconds(20), maximumAttempts: 15))
                #expect(try await client.sale(sale, options: .init(deadline: .seconds(20))).left >= 0)
            }
        }

        @Test func `a ledger that would go below zero refuses, whatever a worker believes`() async throws {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 5, limit: 5)
                // The stock is taken behind the owner's back: its book says 5, the ledger 2.
                try await cluster.sql("UPDATE stampede.stock SET remaining = 2 WHERE sale = \(sale)")
                let error = await #expect(throws: CallError.self) {
                    try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 1), quantity: 3)
                }
                #expect(error?.status == .internal)
                #expect(try await cluster.unitsSold(sale) == 0)
                // Others of the same batch and later ones are served.
                let tally = await Crowd.place(
                    (2...4).map { PlaceOrderRequest(buyer: $0) }, in: sale, through: [client])
                #expect(tally.orders.count == 2)
                #expect(try await cluster.sql("SELECT min(remaining) FROM stampede.stock") == "0")
                await client.close()
            }
        }
    }
}
