import Client
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    @Suite struct OneKeyOneOrder {
        @Test func `a key names one order, through any broker and after any owner's death`() async throws {
            try await TestCluster.with(brokers: 2, workers: 2) { cluster in
                let first = try cluster.client(["broker-1"])
                let second = try cluster.client(["broker-2"])
                let sale = try await cluster.createSale(first, units: 1_000, limit: 10)
                try await twins(cluster, sale, first, second)
                try await reuse(sale, first, second)
                try await void(sale, first, second)
                try await sellOut(cluster, first, second)
                try await retryAfterKill(cluster, sale, first, second)
                #expect(try await cluster.violations() == [])
                await first.close()
                await second.close()
            }
        }

        /// The same request at the same time through two brokers.
        private func twins(
            _ cluster: TestCluster, _ sale: SaleID, _ first: StampedeClient, _ second: StampedeClient
        ) async throws {
            let requests = (1...50).map { PlaceOrderRequest(buyer: $0) }
            async let one = Crowd.place(requests, in: sale, through: [first], width: 50)
            async let two = Crowd.place(requests, in: sale, through: [second], width: 50)
            let (left, right) = await (one, two)
            #expect(left.errors.isEmpty && right.errors.isEmpty)
            #expect(left.orderIDs.count == 50)
            #expect(left.orderIDs == right.orderIDs)
            #expect(try await cluster.unitsSold(sale) == 50)
        }

        /// The same key for another quantity.
        private func reuse(_ sale: SaleID, _ first: StampedeClient, _ second: StampedeClient) async throws {
            let buyer = BuyerID(rawValue: 100)
            let key = RequestKey.random()
            async let one = place(first, sale, buyer, 1, key)
            async let two = place(second, sale, buyer, 2, key)
            let results = await [one, two]
            let orders = results.compactMap { try? $0.get() }
            #expect(orders.count == 1)
            #expect(results.compactMap(\.reason) == [.keyReused])
            // The loser's content stays refused, the winner's stays answered.
            for client in [first, second] {
                #expect(await place(client, sale, buyer, orders[0].quantity, key).order == orders[0])
                #expect(await place(client, sale, buyer, 3 - orders[0].quantity, key).reason == .keyReused)
            }
        }

        /// A key that was settled as "no order".
        private func void(_ sale: SaleID, _ first: StampedeClient, _ second: StampedeClient) async throws {
            let buyer = BuyerID(rawValue: 101)
            let key = RequestKey.random()
            #expect(try await first.settleOrder(sale: sale, buyer: buyer, key: key) == .voided)
            for client in [first, second] {
                #expect(await place(client, sale, buyer, 1, key).reason == .keyVoided)
                #expect(try await client.settleOrder(sale: sale, buyer: buyer, key: key) == .voided)
            }
            // A settle races its own order: whichever is first, both ends say the same.
            for number in 0..<20 {
                let key = RequestKey.random()
                let buyer = BuyerID(rawValue: 200 + Int64(number))
                async let placed = place(first, sale, buyer, 1, key)
                async let settled = second.settleOrder(sale: sale, buyer: buyer, key: key)
                switch (await placed, try await settled) {
                case (.success(let order), .placed(let found)): #expect(order == found)
                case (.failure(let error), .voided): #expect(error.reason == .keyVoided)
                case (let placed, let settled): Issue.record("\(placed), but settled as \(settled)")
                }
            }
        }

        /// Two callers with the same key when the last unit is sold. One of them may be told "sold out", because
        /// a refusal speaks of one attempt only; each can learn of the order.
        private func sellOut(
            _ cluster: TestCluster, _ first: StampedeClient, _ second: StampedeClient
        ) async throws {
            for _ in 0..<20 {
                let sale = try await cluster.createSale(first, units: 1)
                let buyer = BuyerID(rawValue: 1)
                let key = RequestKey.random()
                async let one = place(first, sale, buyer, 1, key)
                async let two = place(second, sale, buyer, 1, key)
                let results = await [one, two]
                let orders = Set(results.compactMap(\.order))
                #expect(orders.count == 1)
                #expect(results.compactMap(\.reason).allSatisfy { $0 == .soldOut })
                for client in [first, second] {
                    let end = try await client.settleOrder(sale: sale, buyer: buyer, key: key)
                    #expect(end == orders.first.map(Settlement.placed))
                }
                #expect(try await first.sale(sale).left == 0)
            }
        }

        private func retryAfterKill(
            _ cluster: TestCluster, _ sale: SaleID, _ first: StampedeClient, _ second: StampedeClient
        ) async throws {
            let requests = (300...330).map { PlaceOrderRequest(buyer: $0) }
            let before = await Crowd.insist(on: requests, in: sale, through: [first])
            #expect(before.messages() == [])
            let voided = RequestKey.random()
            let buyer = BuyerID(rawValue: 102)
            #expect(try await first.settleOrder(sale: sale, buyer: buyer, key: voided) == .voided)
            let owner = try #require(await cluster.owner(of: sale, first))
            try await blocking { cluster.kill(owner) }
            let after = await Crowd.insist(on: requests, in: sale, through: [second])
            #expect(after.messages() == [])
            #expect(after.orderIDs == before.orderIDs)
            #expect(await place(second, sale, buyer, 1, voided).reason == .keyVoided)
            #expect(
                await place(second, sale, BuyerID(rawValue: 300), 2, requests[0].key).reason == .keyReused)
        }

        private func place(
            _ client: StampedeClient, _ sale: SaleID, _ buyer: BuyerID, _ quantity: Int32, _ key: RequestKey
        ) async -> Result<Order, CallError> {
            do throws(CallError) {
                return .success(
                    try await client.placeOrder(
                        sale: sale, buyer: buyer, quantity: quantity, key: key,
                        options: CallOptions(deadline: .seconds(20))))
            } catch {
                return .failure(error)
            }
        }
    }
}

extension Result where Success == Order, Failure == CallError {
    fileprivate var order: Order? { try? get() }

    fileprivate var reason: Reason? {
        if case .failure(let error) = self { error.reason } else { nil }
    }
}
