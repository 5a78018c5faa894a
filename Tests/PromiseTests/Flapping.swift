import Client
import Foundation
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OwnerPromises {
    /// Partitions stay where they are while a process is merely slow, and leave who is of no use once, not again and
    /// again. Every change of an owner takes a fence, so the fences count the changes.
    @Suite struct Flapping {
        private func changes(_ cluster: TestCluster) async throws -> Int {
            try #require(Int(try await cluster.sql("SELECT sum(fence) FROM stampede.partitions")))
        }

        /// Gives a process a fifth of its time, in slices of 50 ms, for so many of them.
        private func starve(_ node: Node, slices: Int) async throws {
            try await blocking {
                for _ in 0..<slices {
                    node.pause()
                    usleep(200_000)
                    node.resume()
                    usleep(50_000)
                }
            }
        }

        private func waitUntilShared(_ cluster: TestCluster, _ client: StampedeClient) async throws {
            try await eventually("both workers own half of the partitions") {
                let all = await cluster.statuses(client)
                return !all.isEmpty
                    && all.allSatisfy { status in
                        ["worker-1", "worker-2"].allSatisfy { name in
                            status.partitions.count { $0.owner == name } == 4
                        }
                    }
            }
        }

        @Test(arguments: ["worker-1", "broker-1"])
        func `a starved process keeps its partitions`(name: String) async throws {
            try await TestCluster.with(brokers: 2, workers: 2, leaseTTL: .seconds(3)) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                try await waitUntilShared(cluster, client)
                let before = try await changes(cluster)
                let crowd = Crowd(in: sale, through: [client])
                async let asking = crowd.keepPlacing()
                try await starve(cluster.node(name), slices: 48)
                crowd.stop()
                let tally = await asking
                #expect(tally.messages { !$0.isAnswerOrRetryable } == [])
                let after = try await changes(cluster)
                // Where the machine has no time for it at all, its four may leave and come back. Once.
                #expect(after - before <= 8, "changes of owners in twelve seconds")
                try await waitUntilShared(cluster, client)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        @Test func `a worker that sees Redis and not Postgres gives its partitions up once`() async throws {
            try await TestCluster.with(brokers: 1, workers: 0) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                cluster.startWorker("worker-2")
                let client = try cluster.client()
                try await waitUntilShared(cluster, client)
                let before = try await changes(cluster)
                relay.block()
                relay.cut()
                try await cluster.waitUntilOwned(by: "worker-2")
                let moved = try await changes(cluster) - before
                #expect(moved == 4, "each of its partitions, once")

                // Every few moments it reaches the ledger, and loses it again.
                for _ in 0..<6 {
                    relay.unblock()
                    try await eventually("it reaches the ledger") {
                        try await cluster.sql(
                            "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'stampede/worker-1'"
                        )
                            == "t"
                    }
                    relay.block()
                    relay.cut()
                    try await eventually("it is unfit") {
                        await cluster.statuses(client)[0].workers.contains {
                            $0.name == "worker-1" && $0.state == "unfit"
                        }
                    }
                }
                #expect(try await changes(cluster) - before <= 12, "it comes back on probation only")
                relay.unblock()
                try await waitUntilShared(cluster, client)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }
    }
}
