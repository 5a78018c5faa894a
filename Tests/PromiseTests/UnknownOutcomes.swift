import Client
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    /// Design §4: a connection that is lost during COMMIT leaves the outcome unknown. It is resolved by a new
    /// fence, never guessed, and nothing is sent twice.
    @Suite struct UnknownOutcomes {
        /// While the ledger is away an owner refuses at once; these callers ask until it is back.
        private let patient = CallOptions(deadline: .seconds(20), maximumAttempts: 15)

        @Test func `every outcome is found out, and every caller gets one order`() async throws {
            try await TestCluster.with(workers: 0) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                for (trap, happened) in [
                    (Relay.Trap.loseReply, true), (.loseRequest, false), (.strand, false),
                ] {
                    let sale = try await cluster.createSale(client, units: 1_000)
                    try await single(cluster, relay, trap, happened: happened, sale, client)
                    try await many(cluster, relay, trap, sale, client)
                }
                try await hanging(cluster, relay, client)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// One order, whose batch tells how its transaction ended.
        private func single(
            _ cluster: TestCluster, _ relay: Relay, _ trap: Relay.Trap, happened: Bool, _ sale: SaleID,
            _ client: StampedeClient
        ) async throws {
            let sprung = relay.sprung
            let (buyer, key) = (BuyerID(rawValue: 1), RequestKey.random())
            relay.arm(trap)
            let order = try await client.placeOrder(sale: sale, buyer: buyer, key: key, options: patient)
            #expect(relay.sprung == sprung + 1)
            let settled = try await client.settleOrder(sale: sale, buyer: buyer, key: key, options: patient)
            #expect(settled == .placed(order))
            #expect(try await cluster.orderIDs(sale) == ["\(order.id)"])
            // What had happened stands under the old fence, what had not under the new one.
            let behind = try await cluster.sql(
                """
                SELECT p.fence - b.fence FROM stampede.partitions p JOIN stampede.batches b USING (partition)
                WHERE partition = \(order.id.partition) AND \(order.id.sequence) BETWEEN b.first AND b.last
                """)
            #expect(behind == (happened ? "1" : "0"), "\(trap)")
        }

        /// A crowd's transactions are hit again and again; the old backend may even commit late.
        private func many(
            _ cluster: TestCluster, _ relay: Relay, _ trap: Relay.Trap, _ sale: SaleID,
            _ client: StampedeClient
        ) async throws {
            var orders: Set<String> = []
            for round in 1...2 {
                let sprung = relay.sprung
                let requests = (1...40).map { PlaceOrderRequest(buyer: Int64(round * 100 + $0)) }
                relay.arm(trap)
                async let placing = Crowd.insist(on: requests, in: sale, through: [client], options: patient)
                try await eventually("the trap has sprung") { relay.sprung > sprung }
                // It does not matter whether this comes before the old backend is ended.
                if round == 2 { relay.release(commit: true) }
                let tally = await placing
                #expect(tally.messages() == [])
                #expect(tally.orderIDs.count == 40)
                orders.formUnion(tally.orderIDs)
                for request in requests.prefix(5) {
                    let end = try await client.settleOrder(
                        sale: sale, buyer: request.buyer, key: request.key, options: patient)
                    guard case .placed(let order) = end else {
                        Issue.record("an order that was answered is settled as \(end)")
                        continue
                    }
                    #expect(orders.contains("\(order.id)"))
                }
            }
            #expect(try await cluster.orderIDs(sale).count == 81)
            #expect(try await client.sale(sale, options: patient).left == 919)
        }

        /// The old backend hangs in the middle of its transaction, behind a lock of somebody else, when its client
        /// is cut off.
        private func hanging(_ cluster: TestCluster, _ relay: Relay, _ client: StampedeClient) async throws {
            let sale = try await cluster.createSale(client, units: 1_000)
            // Held until it is ended below: on a busy machine a lock of some seconds may be over before it is seen.
            async let lock = cluster.sql(
                """
                BEGIN; SELECT remaining FROM stampede.stock WHERE sale = \(sale) FOR UPDATE; SELECT pg_sleep(60)
                """)
            try await eventually("the stock is locked") {
                try await cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                    == "1"
            }
            let sprung = relay.sprung
            relay.arm(.abandon)
            let requests = (1...40).map { PlaceOrderRequest(buyer: $0) }
            async let placing = Crowd.insist(on: requests, in: sale, through: [client], options: patient)
            try await eventually("the trap has sprung") { relay.sprung > sprung }
            _ = try await cluster.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            let tally = await placing
            #expect(relay.sprung == sprung + 1)
            #expect(tally.messages() == [])
            #expect(tally.orderIDs == (try await cluster.orderIDs(sale)))
            _ = try? await lock
        }

        @Test(arguments: [Relay.Trap.loseReply, .loseRequest, .strand])
        func `another worker may take the partition before the outcome is known`(_ trap: Relay.Trap)
            async throws
        {
            try await TestCluster.with(workers: 0) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000)
                _ = await Crowd.place(
                    (1...20).map { .init(buyer: $0) }, in: sale, through: [client], options: patient)

                // From the cut on, the owner reaches Postgres no more: it can neither answer nor ask.
                relay.arm(trap, blocking: true)
                let requests = (101...140).map { PlaceOrderRequest(buyer: $0) }
                async let placing = Crowd.insist(on: requests, in: sale, through: [client], options: patient)
                try await eventually("the trap has sprung") { relay.sprung == 1 }
                cluster.startWorker("worker-2")
                let tally = await placing
                #expect(tally.messages() == [])
                #expect(tally.orderIDs.count == 40)
                #expect(await cluster.owner(of: sale, client) == "worker-2")

                // The old transaction's COMMIT comes after all, and the old owner asks how it ended.
                relay.release(commit: true)
                relay.unblock()
                try await eventually("the old owner is fit again") {
                    await cluster.statuses(client)[0].workers.allSatisfy { $0.state == "fit" }
                }
                let again = await Crowd.insist(on: requests, in: sale, through: [client], options: patient)
                #expect(again.orderIDs == tally.orderIDs)
                #expect(try await cluster.unitsSold(sale) == 60)
                #expect(try await client.sale(sale).left == 940)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }
    }
}
