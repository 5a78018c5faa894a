import Client
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    /// `order.place_many`: what is true of one order is true of each of several in a call.
    @Suite struct ManyOrdersInOneCall {
        private func requests(_ buyers: ClosedRange<Int64>) -> [OrderRequest] {
            buyers.map { OrderRequest(buyer: BuyerID(rawValue: $0), key: .random()) }
        }

        private func orders(_ answers: [PlacedAnswer]) -> [Order] {
            answers.compactMap { if case .placed(let order) = $0 { order } else { nil } }
        }

        private func reasons(_ answers: [PlacedAnswer]) -> [Reason] {
            answers.compactMap { if case .refused(_, let reason, _) = $0 { reason } else { nil } }
        }

        @Test func `each order of a call is decided by itself`() async throws {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 100, limit: 2)
                var wanted = requests(1...3)
                wanted.append(OrderRequest(buyer: wanted[0].buyer, quantity: 2, key: .random()))
                wanted.append(OrderRequest(buyer: wanted[1].buyer, quantity: 0, key: .random()))
                wanted.append(wanted[2])
                let answers = try await client.placeOrders(sale: sale, wanted)
                #expect(orders(answers).count == 4)
                #expect(reasons(answers) == [.overLimit, .badQuantity])
                // The same key twice in a call is the same order twice.
                #expect(answers[5] == answers[2])
                for (request, answer) in zip(wanted, answers) {
                    guard case .placed(let order) = answer else { continue }
                    #expect(order.buyer == request.buyer && order.key == request.key)
                }
                // And so it is in another call, or in a call of one.
                #expect(try await client.placeOrders(sale: sale, wanted) == answers)
                let alone = try await client.placeOrder(
                    sale: sale, buyer: wanted[0].buyer, key: wanted[0].key)
                #expect(answers[0] == .placed(alone))
                #expect(try await client.sale(sale).left == 97)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        @Test func `the largest call sells to the last unit, and then the gate stands before it too`()
            async throws
        {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 200)
                let answers = try await client.placeOrders(sale: sale, requests(1...256))
                #expect(orders(answers).count == 200)
                #expect(reasons(answers) == Array(repeating: .soldOut, count: 56))
                try await eventually("the gate is closed") {
                    await cluster.statuses(client)[0].gates.contains { $0.sale == sale }
                }
                let error = await #expect(throws: CallError.self) {
                    try await client.placeOrders(sale: sale, requests(300...310))
                }
                #expect(error?.reason == .soldOut && error?.certainty == .notExecuted)
                for wrong in [[], requests(1...257)] {
                    let error = await #expect(throws: CallError.self) {
                        try await client.placeOrders(sale: sale, wrong)
                    }
                    #expect(error?.status == .invalidArgument)
                }
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        @Test func `more calls of many orders than a worker takes are refused, and single orders go on`()
            async throws
        {
            try await TestCluster.with { cluster in
                let (greedy, modest) = (try cluster.client(), try cluster.client())
                let sale = try await cluster.createSale(modest, units: 1_000_000)
                let once = CallOptions(deadline: .seconds(60), maximumAttempts: 1)
                async let flood = withTaskGroup(of: Result<[PlacedAnswer], CallError>.self) { group in
                    for caller in 0..<120 {
                        let first = Int64(caller) * 256 + 1
                        group.addTask {
                            do throws(CallError) {
                                return .success(
                                    try await greedy.placeOrders(
                                        sale: sale, requests(first...first + 255), options: once))
                            } catch {
                                return .failure(error)
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                for buyer in 1...10 {
                    _ = try await modest.placeOrder(
                        sale: sale, buyer: BuyerID(rawValue: 1_000_000 + Int64(buyer)), options: once)
                }
                var (placed, refused) = (0, 0)
                for end in await flood {
                    switch end {
                    case .success(let answers): placed += orders(answers).count
                    case .failure(let error):
                        refused += 1
                        #expect(error.reason == .overloaded && error.certainty == .notExecuted)
                        #expect(error.retryAfter != nil)
                    }
                }
                #expect(refused > 0)
                #expect(placed == (120 - refused) * 256)
                #expect(try await cluster.unitsSold(sale) == placed + 10)
                #expect(try await cluster.violations() == [])
                await greedy.close()
                await modest.close()
            }
        }

        @Test func `a call whose owner is killed is repeated, and every key has one order`() async throws {
            try await TestCluster.with(workers: 2) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 100_000)
                let calls = (0..<40).map { index in
                    let first = Int64(index) * 100 + 1
                    return requests(first...first + 99)
                }
                let options = CallOptions(deadline: .seconds(20), maximumAttempts: 15)
                let owner = try #require(await cluster.owner(of: sale, client))
                async let answering = withThrowingTaskGroup(of: (Int, [PlacedAnswer]).self) { group in
                    for (index, call) in calls.enumerated() {
                        group.addTask {
                            (index, try await insist(call, on: sale, client, options))
                        }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                try await eventually("some are sold") { try await cluster.unitsSold(sale) > 0 }
                try await blocking { cluster.kill(owner) }
                let answers = try await answering
                #expect(answers.count == 40)
                #expect(answers.values.allSatisfy { orders($0).count == 100 })
                #expect(try await cluster.unitsSold(sale) == 4_000)
                let again = try await client.placeOrders(sale: sale, calls[7], options: options)
                #expect(again == answers[7])
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// Repeats a call until every order of it is decided, as callers do.
        private func insist(
            _ call: [OrderRequest], on sale: SaleID, _ client: StampedeClient, _ options: CallOptions
        ) async throws -> [PlacedAnswer] {
            for _ in 0..<100 {
                guard let answers = try? await client.placeOrders(sale: sale, call, options: options) else {
                    continue
                }
                let isDecided = answers.allSatisfy { answer in
                    switch answer {
                    case .placed: true
                    case .refused(let status, _, _): status != .unavailable && status != .resourceExhausted
                    }
                }
                if isDecided { return answers }
            }
            throw Exhausted()
        }

        private struct Exhausted: Error {}
    }
}
