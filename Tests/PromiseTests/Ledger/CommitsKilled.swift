import Client
import Methods
import PostgresTestSupport
import Sales
import TestCluster
import Testing
import Wire

extension LedgerPromises {
    /// The server's processes are killed while they commit.
    @Suite struct CommitsKilled {
        private let patient = CallOptions(deadline: .seconds(30), maximumAttempts: 15)

        @Test
        func `every yes is in the ledger, though sessions and postmasters are killed while they commit`()
            async throws
        {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let crowd = Crowd(in: sale, through: [client], options: patient)
                async let asking = crowd.keepPlacing(width: 32)
                for round in 1...6 {
                    let before = crowd.answered.orders.count
                    try await eventually("orders flow", atMost: 40) {
                        crowd.answered.orders.count >= before + 100
                    }
                    try await kill(round, cluster)
                }
                let before = crowd.answered.orders.count
                try await eventually("orders flow", atMost: 40) {
                    crowd.answered.orders.count >= before + 100
                }
                crowd.stop()
                let tally = await asking
                let open = tally.errors.map(\.request)
                let rest = await Crowd.insist(on: open, in: sale, through: [client], options: patient)
                #expect(rest.messages() == [])
                #expect(tally.orderIDs.union(rest.orderIDs) == (try await cluster.orderIDs(sale)))
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// In turn the process that commits, and the postmaster.
        private func kill(_ round: Int, _ cluster: TestCluster) async throws {
            guard round.isMultiple(of: 2) else {
                return try await blocking { try cluster.postgres.crash() }
            }
            var session: Int32?
            try await eventually("a session commits") {
                session = Int32(
                    try await cluster.sql(
                        """
                        SELECT pid FROM pg_stat_activity WHERE state = 'active'
                        AND application_name LIKE 'stampede/%' AND query LIKE '%stampede.commit%' LIMIT 1
                        """))
                return session != nil
            }
            cluster.postgres.killSession(session!)
        }
    }
}
