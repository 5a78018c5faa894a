import Broker
import Client
import Glibc
import PostgresTestSupport
import Sales
import TestCluster
import Testing
import Wire

extension OwnerPromises {
    @Suite struct EveryRequestEnds {
        /// A test machine may be slow to run the thread that would end a call.
        private let slack = 3.0

        @Test func `every call ends within its deadline, whatever is killed, and every doubt can be settled`()
            async throws
        {
            try await TestCluster.with(brokers: 2, workers: 2) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let crowd = Crowd(
                    in: sale, through: [client], options: CallOptions(deadline: .seconds(3)))
                async let asking = crowd.keepPlacing(width: 16)
                try await goesOn(crowd)

                let owner = try #require(await cluster.owner(of: sale, client))
                try await blocking { cluster.kill(owner) }
                try await goesOn(crowd)
                cluster.startWorker(owner)

                try await blocking { cluster.kill("broker-1") }
                try await goesOn(crowd)
                cluster.startBroker("broker-1")
                try await goesOn(crowd)

                try await withPausedBackends(cluster) {
                    // Nothing can commit: calls end, but by their deadlines or by early refusals.
                    let errors = crowd.answered.errors.count
                    try await eventually("calls end without Postgres") {
                        crowd.answered.errors.count >= errors + 20
                    }
                }
                try await goesOn(crowd)

                try await blocking { try cluster.postgres.crash() }
                try await goesOn(crowd)
                crowd.stop()
                let tally = await asking

                #expect(tally.slowest < 3 + slack)
                try await settle(tally, cluster, sale, client)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        private func goesOn(_ crowd: Crowd) async throws {
            let orders = crowd.answered.orders.count
            try await eventually("orders go on") { crowd.answered.orders.count >= orders + 100 }
        }

        /// Stops the server processes of all workers' sessions, as a stuck disk would.
        private func withPausedBackends(_ cluster: TestCluster, _ body: () async throws -> Void) async throws
        {
            let pids = try await cluster.sql(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'stampede/%'"
            ).split(separator: "\n").compactMap { Int32($0) }
            #expect(pids.count >= 4)
            for pid in pids { kill(pid, SIGSTOP) }
            defer { for pid in pids { kill(pid, SIGCONT) } }
            try await body()
        }

        /// What was said to the callers is what the ledger says, for every single call.
        private func settle(
            _ tally: Tally, _ cluster: TestCluster, _ sale: SaleID, _ client: StampedeClient
        ) async throws {
            var doubtful: [PlaceOrderRequest] = []
            var stored = Set(try await cluster.orderKeys(sale))
            for order in tally.orders { #expect(stored.contains(order.key)) }
            for (request, error) in tally.errors {
                #expect(error.isAnswerOrRetryable, "\(error)")
                if error.certainty == .maybeExecuted {
                    doubtful.append(request)
                } else {
                    #expect(!stored.contains(request.key), "\(error), but there is an order")
                }
            }
            let options = CallOptions(deadline: .seconds(20), maximumAttempts: 15)
            var placed = 0
            for request in doubtful {
                let end = try await client.settleOrder(
                    sale: sale, buyer: request.buyer, key: request.key, options: options)
                let again = try await client.settleOrder(
                    sale: sale, buyer: request.buyer, key: request.key, options: options)
                #expect(end == again)
                if case .placed(let order) = end {
                    placed += 1
                    #expect(order.key == request.key)
                }
            }
            stored = Set(try await cluster.orderKeys(sale))
            #expect(stored.count == tally.orders.count + placed)
        }

        @Test func `overload and outages are answered early, with a time to try again after`() async throws {
            try await TestCluster.with(brokers: 0, workers: 0, leaseTTL: .seconds(2)) { cluster in
                cluster.startBroker("broker-1") { $0.maximumCalls = 64 }
                cluster.startWorker("worker-1")
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let once = CallOptions(deadline: .seconds(20), maximumAttempts: 1)

                // The worker stands still for a moment, and more come than the broker will hold: they are told
                // so while it still stands still, long before their deadline.
                let worker = cluster.node("worker-1")
                try await blocking { worker.pause() }
                let crowd = Crowd(in: sale, through: [client], options: once)
                async let rush = crowd.place((1...400).map { .init(buyer: $0) }, width: 400)
                try await eventually("the excess is refused") { crowd.answered.errors.count >= 368 }
                let refused = crowd.answered.errors.map(\.error)
                worker.resume()
                #expect(refused.allSatisfy { $0.status == .resourceExhausted && $0.reason == .overloaded })
                #expect(refused.allSatisfy { $0.certainty == .notExecuted && $0.retryAfter != nil })
                let tally = await rush
                // One client gets no more than it leaves for others.
                #expect(tally.orders.count == 32)

                // Postgres is gone: refused at once, without waiting for it.
                try await blocking { cluster.postgres.kill() }
                let down = Crowd(
                    in: sale, through: [client],
                    options: CallOptions(deadline: .seconds(2), maximumAttempts: 1))
                async let asking = down.keepPlacing(width: 1)
                try await eventually("calls are refused for the ledger's sake", atMost: 15) {
                    down.answered.count(.ledgerUnavailable) >= 20
                }
                down.stop()
                let without = await asking
                #expect(without.orders.isEmpty)
                #expect(without.errors.allSatisfy { $0.error.isAnswerOrRetryable })
                #expect(
                    without.errors.allSatisfy {
                        $0.error.reason != .ledgerUnavailable
                            || $0.error.status == .unavailable && $0.error.retryAfter != nil
                    })

                // Nobody owns anything: parked for a lease's lifetime and a second, then refused.
                cluster.kill("worker-1")
                let orphan = await Crowd.place(
                    [.init(buyer: 3_001)], in: sale, through: [client],
                    options: CallOptions(deadline: .seconds(60), maximumAttempts: 1))
                let error = try #require(orphan.errors.first?.error)
                #expect(error.status == .unavailable)
                #expect(error.retryAfter != nil)
                #expect(orphan.slowest < 30)
                try await blocking { try cluster.postgres.start() }
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }
    }
}
