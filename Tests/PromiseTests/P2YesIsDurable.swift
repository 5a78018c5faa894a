import Client
import PostgresTestSupport
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    @Suite struct YesIsDurable {
        @Test func `every yes is in Postgres, though all processes are killed in the rush`() async throws {
            try await TestCluster.with(workers: 2) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let crowd = Crowd(
                    in: sale, through: [client], options: CallOptions(deadline: .seconds(3)))
                async let rush = crowd.keepPlacing(width: 64)
                try await eventually("the rush is on") { crowd.answered.orders.count >= 500 }
                // Postgres first: what it had not written is gone, and nobody is left to write it again.
                try await blocking {
                    cluster.postgres.kill()
                    for node in ["worker-1", "worker-2", "broker-1"] { cluster.kill(node) }
                }
                crowd.stop()
                let tally = await rush
                try await blocking { try cluster.postgres.start() }
                let stored = try await cluster.orderIDs(sale)
                #expect(tally.orders.count >= 500)
                #expect(tally.orderIDs.count == tally.orders.count)
                #expect(tally.orderIDs.subtracting(stored) == [])
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }
    }
}
