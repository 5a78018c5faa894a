import Client
import Foundation
import Methods
import PostgresTestSupport
import Sales
import TestCluster
import Testing
import Wire

extension LedgerPromises {
    /// Another server, or an older state, stands in the ledger's place.
    @Suite struct Replaced {
        private let patient = CallOptions(deadline: .seconds(30), maximumAttempts: 15)

        @Test func `a synchronous standby that is promoted has every yes, and sales go on there`()
            async throws
        {
            try await TestCluster.with(workers: 0) { cluster in
                let primary = cluster.postgres
                let standby = try await startWithStandby(cluster)
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let crowd = Crowd(in: sale, through: [client], options: patient)
                async let asking = crowd.keepPlacing(width: 16)
                try await eventually("orders flow") { crowd.answered.orders.count >= 200 }
                let fence = try await client.withLock("failover", wait: .seconds(30)) { $0.fence }
                // The new primary waits for a standby of its own, as the old one did.
                let next = try await blocking {
                    primary.kill()
                    try standby.promote()
                    return try PostgresServer(standbyOf: standby)
                }
                let before = crowd.answered.orders.count
                try await eventually("orders flow again", atMost: 60) {
                    crowd.answered.orders.count >= before + 500
                }
                #expect(try await client.withLock("failover", wait: .seconds(30)) { $0.fence } > fence)
                crowd.stop()
                let tally = await asking
                let open = tally.errors.map(\.request)
                let rest = await Crowd.insist(on: open, in: sale, through: [client], options: patient)
                #expect(rest.messages() == [])
                let all = tally.orderIDs.union(rest.orderIDs)
                #expect(all == (try await cluster.orderIDs(sale, on: standby)))
                #expect(try await cluster.violations(on: standby) == [])
                await client.close()
                try await blocking {
                    next.stop(.immediate)
                    // The cluster's end stops the first server, which has to run for that.
                    try primary.start()
                }
            }
        }

        /// The old primary lives, and its sessions with it: only the setting keeps them from selling there.
        @Test
        func `a primary told not to write is left for its standby, and nothing more is written there`()
            async throws
        {
            try await TestCluster.with(workers: 0) { cluster in
                let primary = cluster.postgres
                let standby = try await startWithStandby(cluster)
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let crowd = Crowd(in: sale, through: [client], options: patient)
                async let asking = crowd.keepPlacing(width: 16)
                try await eventually("orders flow") { crowd.answered.orders.count >= 200 }
                let fence = try await client.withLock("fenced", wait: .seconds(30)) { $0.fence }

                try await blocking { try primary.refuseWrites() }
                // What had begun before may still commit.
                try await eventually("no transaction is under way") {
                    try await cluster.sql(
                        """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE application_name LIKE 'stampede/%' AND state <> 'idle'
                        """) == "0"
                }
                let written = try await cluster.sql(Self.writes)
                let next = try await blocking {
                    try standby.promote()
                    return try PostgresServer(standbyOf: standby)
                }
                let before = crowd.answered.orders.count
                try await eventually("orders flow again", atMost: 60) {
                    crowd.answered.orders.count >= before + 500
                }
                #expect(try await client.withLock("fenced", wait: .seconds(30)) { $0.fence } > fence)
                crowd.stop()
                let tally = await asking
                let open = tally.errors.map(\.request)
                let rest = await Crowd.insist(on: open, in: sale, through: [client], options: patient)
                #expect(rest.messages() == [])
                let all = tally.orderIDs.union(rest.orderIDs)
                #expect(all == (try await cluster.orderIDs(sale, on: standby)))
                #expect(try await cluster.violations(on: standby) == [])
                #expect(try await cluster.sql(Self.writes) == written)
                await client.close()
                try await blocking { next.stop(.immediate) }
            }
        }

        /// Grows with whatever a worker writes.
        private static let writes = """
            SELECT (SELECT count(*) FROM stampede.ledger), (SELECT sum(batch) FROM stampede.partitions),
                (SELECT sum(fence) FROM stampede.partitions), (SELECT sum(fence) FROM stampede.locks)
            """

        /// Gives the cluster's Postgres a synchronous standby, and starts two workers that know both.
        private func startWithStandby(_ cluster: TestCluster) async throws -> PostgresServer {
            let primary = cluster.postgres
            let standby = try await blocking {
                let standby = try PostgresServer(
                    standbyOf: primary, settings: ["synchronous_standby_names": "'standby'"])
                primary.stop()
                primary.settings["synchronous_standby_names"] = "'standby'"
                try primary.start()
                return standby
            }
            let dsn = cluster.dsn.replacingOccurrences(
                of: primary.folder.path, with: "\(primary.folder.path),\(standby.folder.path)")
            for name in ["worker-1", "worker-2"] { cluster.startWorker(name, dsn: dsn) }
            try await cluster.waitUntilOwned()
            return standby
        }

        @Test func `a backup that is recovered voids all books, and what it holds is sold on`() async throws {
            try await TestCluster.with(workers: 2) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 100)
                let kept = try await sell(1...40, sale, client)
                try await blocking { try cluster.postgres.backUp() }
                let lost = try await sell(41...100, sale, client)
                try await blocking { try cluster.postgres.restore(makesTimeline: true) }

                // Those after the backup are lost, and their units are for sale: the books know nothing of them.
                #expect(try await cluster.orderIDs(sale) == kept)
                try await eventually("the books are what was restored") {
                    try await client.sale(sale, options: patient).left == 60
                }
                let again = await Crowd.insist(
                    on: (201...300).map { .init(buyer: $0) }, in: sale, through: [client], options: patient)
                #expect(again.orders.count == 60)
                #expect(again.count(.soldOut) == 40)
                #expect(kept.count == 40 && lost.count == 60)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// The files of an older state under the same name: no server can tell. The books can.
        @Test func `a copy of older files sells nothing by the old books`() async throws {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 100)
                let kept = try await sell(1...40, sale, client)
                try await blocking { try cluster.postgres.backUp() }
                // Another owner, so that the fences go back with the files.
                cluster.startWorker("worker-2")
                try await blocking { cluster.drain("worker-1") }
                try await cluster.waitUntilOwned(by: "worker-2")
                _ = try await sell(41...100, sale, client)
                try await blocking { try cluster.postgres.restore(makesTimeline: false) }

                // Brokers remember higher fences until they are started anew, as the worker's log says.
                let early = await Crowd.place(
                    (101...120).map { .init(buyer: $0) }, in: sale, through: [client],
                    options: CallOptions(deadline: .seconds(2), maximumAttempts: 1))
                #expect(early.orderIDs.isSubset(of: try await cluster.orderIDs(sale)))
                try await blocking { cluster.kill("broker-1") }
                cluster.startBroker("broker-1")
                try await eventually("the books are what was restored", atMost: 40) {
                    try await client.sale(sale, options: patient).left == 60 - Int64(early.orders.count)
                }
                let again = await Crowd.insist(
                    on: (201...300).map { .init(buyer: $0) }, in: sale, through: [client], options: patient)
                let all = kept.union(early.orderIDs).union(again.orderIDs)
                #expect(all.count == 100)
                #expect(all.isSubset(of: try await cluster.orderIDs(sale)))
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        private func sell(
            _ buyers: ClosedRange<Int64>, _ sale: SaleID, _ client: StampedeClient
        ) async throws -> Set<String> {
            let tally = await Crowd.insist(
                on: buyers.map { .init(buyer: $0) }, in: sale, through: [client], options: patient)
            #expect(tally.messages() == [])
            return tally.orderIDs
        }
    }
}
