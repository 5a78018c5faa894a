import Client
import Methods
import Redis
import RedisTestSupport
import Sales
import TestCluster
import Testing
import Wire
import Workers

extension OwnerPromises {
    @Suite struct OneWriter {
        @Test func `an owner that was paused past its lease commits nothing more`() async throws {
            try await TestCluster.with(workers: 0) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 60)
                let old = cluster.node("worker-1")

                // It sleeps with a transaction open that holds its partition's row, and with requests in its socket.
                relay.arm(.stall)
                async let stalled = Crowd.place(
                    (1...10).map { .init(buyer: $0) }, in: sale, through: [client])
                try await eventually("its transaction is open") { relay.sprung == 1 }
                try await blocking { old.pause() }
                async let queued = Crowd.place(
                    (11...30).map { .init(buyer: $0) }, in: sale, through: [client])
                cluster.startWorker("worker-2")
                try await cluster.waitUntilOwned(by: "worker-2")
                let sold = await Crowd.place((31...90).map { .init(buyer: $0) }, in: sale, through: [client])

                // It wakes up and believes that nothing has happened: its COMMIT is on its way, too.
                relay.release(commit: true)
                old.resume()
                let early = await stalled + queued
                let all = early + sold
                #expect(all.calls == 90)
                #expect(all.messages { !$0.isAnswerOrRetryable } == [])
                #expect(all.orders.count == 60)
                #expect(all.orderIDs == (try await cluster.orderIDs(sale)))
                try await eventually("it has rejoined") {
                    let workers = await cluster.statuses(client)[0].workers
                    return workers.count == 2 && workers.allSatisfy { $0.state == "fit" }
                }
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        @Test func `two owners under different Redis majorities cannot both sell`() async throws {
            // Each worker has a broker and five Redis nodes of its own, so neither ever hears of the other: only
            // the ledger stands between them, and each takes every partition back as soon as it may.
            try await TestCluster.with(brokers: 2, workers: 0, partitions: 2) { cluster in
                let liars = try RedisServer.start(count: 3)
                let addresses = liars.map(\.address)
                cluster.startWorker("worker-1", brokers: ["broker-1"])
                cluster.startWorker("worker-2", brokers: ["broker-2"]) { $0.redis = addresses }
                let clients = try ["broker-1", "broker-2"].map { try cluster.client([$0]) }
                let sale = SaleID(rawValue: 4_711)
                try await create(sale, through: clients)

                // An owner may say for half a second what it knew before.
                for client in clients {
                    try await eventually("the sale is known") { (try? await client.sale(sale)) != nil }
                }
                let options = CallOptions(deadline: .seconds(8), maximumAttempts: 15)
                let crowd = Crowd(in: sale, through: clients, options: options)
                async let asking = crowd.keepPlacing(width: 8)
                try await eventually("both have sold, and taken the partition from each other", atMost: 40) {
                    try await cluster.sql(
                        """
                        SELECT count(DISTINCT fence) >= 4 FROM stampede.batches JOIN stampede.stock USING (partition)
                        WHERE sale = \(sale)
                        """) == "t"
                }
                crowd.stop()
                let tally = await asking
                #expect(tally.messages { !$0.isAnswerOrRetryable } == [])
                let stored = try await cluster.orderIDs(sale)
                #expect(tally.orderIDs.count == tally.orders.count)
                #expect(tally.orderIDs.subtracting(stored) == [])
                #expect(try await cluster.violations() == [])

                // The lie ends: one of them goes, and the other sells what is left.
                try await blocking { cluster.kill("worker-2") }
                _ = await Crowd.place(
                    (1_000_000...1_002_000).map { .init(buyer: $0) }, in: sale, through: [clients[0]],
                    options: options)
                #expect(try await clients[0].sale(sale, options: options).left == 0)
                #expect(try await cluster.unitsSold(sale) == 2_000)
                #expect(try await cluster.violations() == [])
                for client in clients { await client.close() }
                _ = liars
            }
        }

        private func create(_ sale: SaleID, through clients: [StampedeClient]) async throws {
            let key = RequestKey.random()
            try await eventually("a sale is created") {
                (try? await clients[0].createSale(
                    CreateSale(
                        sale: sale, key: key, name: "Split", price: 1, currency: "EUR", units: 2_000, limit: 1
                    ),
                    options: CallOptions(deadline: .seconds(10), maximumAttempts: 15))) != nil
            }
        }

        @Test func `leases that vanish from Redis stop nobody and let nobody else in`() async throws {
            try await TestCluster.with(brokers: 2, workers: 2) { cluster in
                let clients = try ["broker-1", "broker-2"].map { try cluster.client([$0]) }
                let sale = try await cluster.createSale(clients[0], units: 1_000_000)
                let crowd = Crowd(in: sale, through: clients)
                async let asking = crowd.keepPlacing()
                for _ in 0..<5 {
                    for server in cluster.redis { try server.ask("FLUSHALL") }
                    let answered = crowd.answered.calls
                    try await eventually("sales go on") { crowd.answered.calls >= answered + 100 }
                }
                crowd.stop()
                let tally = await asking
                #expect(tally.messages { !$0.isAnswerOrRetryable } == [])
                #expect(tally.orderIDs == (try await cluster.orderIDs(sale)))
                #expect(try await cluster.violations() == [])
                for client in clients { await client.close() }
            }
        }
    }
}

extension CallError {
    /// A decision of an owner, or an error that says that the call may be repeated.
    var isAnswerOrRetryable: Bool {
        let isDecision = [Reason.soldOut, .overLimit, .notEnough].contains(reason)
        switch certainty {
        case .executed: return isDecision
        case .notExecuted:
            // A gate speaks for the owner.
            return [.unavailable, .resourceExhausted, .deadlineExceeded].contains(status)
                || reason == .soldOut
        case .maybeExecuted:
            // A later owner's decision leaves open what an earlier owner did.
            return [.unavailable, .deadlineExceeded].contains(status) || isDecision
        }
    }
}
