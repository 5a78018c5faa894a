import Client
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    @Suite struct BuyersLimit {
        @Test func `a buyer who asks fifty times at once gets the limit, no more and no less`() async throws {
            try await TestCluster.with(brokers: 2, workers: 2) { cluster in
                let clients = try ["broker-1", "broker-2"].map { try cluster.client([$0]) }
                let sale = try await cluster.createSale(clients[0], units: 1_000, limit: 3)

                let singles = await Crowd.place(fifty(of: 1, buyer: 1), in: sale, through: clients)
                #expect(singles.orders.count == 3)
                #expect(singles.count(.overLimit) == 47)
                let refused = try #require(singles.errors.first)
                #expect(refused.error.details?.limit == 3)
                #expect(refused.error.details?.held == 3)

                let pairs = await Crowd.place(fifty(of: 2, buyer: 2), in: sale, through: clients)
                #expect(pairs.units == 2)
                let tooMany = await Crowd.place(fifty(of: 4, buyer: 3), in: sale, through: clients)
                #expect(tooMany.orders.isEmpty)
                // What is left of the limit can still be had.
                let rest = await Crowd.place(fifty(of: 1, buyer: 2), in: sale, through: clients)
                #expect(rest.units == 1)

                try await acrossTakeOver(cluster, sale, clients)
                #expect(try await cluster.violations() == [])
                for client in clients { await client.close() }
            }
        }

        /// The owner dies while ten buyers ask thirty times each.
        private func acrossTakeOver(
            _ cluster: TestCluster, _ sale: SaleID, _ clients: [StampedeClient]
        ) async throws {
            let requests = (0..<300).map { PlaceOrderRequest(buyer: 10 + Int64($0 % 10)) }
            let owner = try #require(await cluster.owner(of: sale, clients[0]))
            let before = try await cluster.unitsSold(sale)
            async let asking = Crowd.place(requests, in: sale, through: clients, width: 20)
            try await eventually("some were answered") { try await cluster.unitsSold(sale) > before }
            try await blocking { cluster.kill(owner) }
            let tally = await asking
            let later = await Crowd.place(
                requests.map { .init(buyer: $0.buyer.rawValue) }, in: sale, through: clients)
            #expect(tally.calls == 300)
            #expect(later.calls == 300)
            let held = try await cluster.sql(
                """
                SELECT string_agg(DISTINCT units::text, ',') FROM (
                    SELECT sum(quantity) AS units FROM stampede.order_states
                    WHERE sale = \(sale) AND buyer BETWEEN 10 AND 19 GROUP BY buyer) b
                """)
            #expect(held == "3")
            #expect(tally.orderIDs.isDisjoint(with: later.orderIDs))
        }

        private func fifty(of quantity: Int32, buyer: Int64) -> [PlaceOrderRequest] {
            (0..<50).map { _ in PlaceOrderRequest(buyer: buyer, quantity: quantity) }
        }
    }
}
