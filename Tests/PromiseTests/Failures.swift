import Client
import Foundation
import Methods
import Redis
import RedisTestSupport
import Sales
import TestCluster
import Testing
import Wire
import Workers

extension OwnerPromises {
    /// The table of design §7, row by row.
    @Suite struct Failures {
        @Test func `a killed worker's partitions are served again within the lease and a second`()
            async throws
        {
            try await TestCluster.with(workers: 2) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 10_000)
                let owner = try #require(await cluster.owner(of: sale, client))
                let fences = await cluster.statuses(client)[0].partitions.map(\.fence)
                let killed = Date()
                try await blocking { cluster.kill(owner) }
                // It waits at the broker, which parks it for no longer than the promise.
                _ = try await client.placeOrder(
                    sale: sale, buyer: BuyerID(rawValue: 1),
                    options: CallOptions(deadline: .seconds(20), maximumAttempts: 1))
                // The promise, and what a loaded test machine may add.
                #expect(Date().timeIntervalSince(killed) < 1 + 1 + 3)
                let survivor = owner == "worker-1" ? "worker-2" : "worker-1"
                try await cluster.waitUntilOwned(by: survivor)
                let after = await cluster.statuses(client)[0].partitions
                #expect(zip(fences, after).allSatisfy { $0 <= $1.fence })
                try await onlyBrokerDies(cluster, sale, client)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// With one broker, clients and workers come back to it, and calls are repeated by their keys.
        private func onlyBrokerDies(
            _ cluster: TestCluster, _ sale: SaleID, _ client: StampedeClient
        ) async throws {
            let requests = (101...400).map { PlaceOrderRequest(buyer: $0) }
            let before = try await cluster.unitsSold(sale)
            async let rush = Crowd.insist(on: requests, in: sale, through: [client], width: 20)
            try await eventually("some are sold") { try await cluster.unitsSold(sale) >= before + 20 }
            try await blocking { cluster.kill("broker-1") }
            cluster.startBroker("broker-1")
            let tally = await rush
            #expect(tally.messages() == [])
            #expect(tally.orderIDs.count == 300)
            #expect(try await cluster.unitsSold(sale) == 301)
        }

        @Test func `a minority of Redis nodes does not matter, a majority stops only new owners`()
            async throws
        {
            try await TestCluster.with(workers: 1) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let fences = await cluster.statuses(client)[0].partitions
                let crowd = Crowd(in: sale, through: [client])
                async let asking = crowd.keepPlacing(width: 4)

                // One down, one empty.
                cluster.redis[0].kill()
                try cluster.redis[1].restart()
                try await longerThanALease(cluster)
                #expect(crowd.answered.errors.isEmpty)
                let still = await cluster.statuses(client)[0].partitions
                #expect(still.map(\.owner) == fences.map(\.owner))
                #expect(still.map(\.fence) == fences.map(\.fence))

                // Three down: nobody could take a lease, so owners go on under their fences.
                for index in [1, 2] { cluster.redis[index].kill() }
                try await longerThanALease(cluster)
                try await longerThanALease(cluster)
                let orders = crowd.answered.orders.count
                try await eventually("owners go on selling") {
                    crowd.answered.orders.count >= orders + 100
                }
                #expect(crowd.answered.errors.isEmpty)

                // The quorum returns: owners take their own leases anew, and nothing has moved.
                for index in [0, 1, 2] { try cluster.redis[index].restart() }
                try await eventually("the leases are held again") {
                    let left = await cluster.statuses(client)[0].workers.map { $0.leaseLeftMilliseconds ?? 0 }
                    return left.count == 1 && left.allSatisfy { $0 > 0 }
                }
                crowd.stop()
                let tally = await asking
                #expect(tally.messages() == [])
                #expect(tally.orderIDs == (try await cluster.orderIDs(sale)))
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// Lease and quarantine are over after this.
        private func longerThanALease(_ cluster: TestCluster) async throws {
            try await Task.sleep(nanoseconds: UInt64(cluster.leaseTTL.nanoseconds) * 3 / 2)
        }

        @Test func `an owner that is told to refuse without a quorum stops, and begins again with one`()
            async throws
        {
            try await TestCluster.with(workers: 0) { cluster in
                cluster.startWorker("worker-1") { $0.onQuorumLoss = .refuse }
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 1_000)
                _ = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 1))
                for index in 0..<3 { cluster.redis[index].kill() }
                try await eventually("nobody owns the partition") {
                    await cluster.owner(of: sale, client) == nil
                }
                let before = try await cluster.unitsSold(sale)
                let error = await #expect(throws: CallError.self) {
                    try await client.placeOrder(
                        sale: sale, buyer: BuyerID(rawValue: 2),
                        options: CallOptions(deadline: .seconds(20), maximumAttempts: 1))
                }
                #expect(error?.status == .unavailable)
                #expect(error?.certainty == .notExecuted)
                #expect(try await cluster.unitsSold(sale) == before)
                for index in 0..<3 { try cluster.redis[index].restart() }
                try await cluster.waitUntilOwned()
                _ = try await client.placeOrder(
                    sale: sale, buyer: BuyerID(rawValue: 3),
                    options: CallOptions(deadline: .seconds(20), maximumAttempts: 15))
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        @Test func `a worker that has drained has left no lease on any Redis node`() async throws {
            // Many leases, so that the last are given back in the very turn in which the worker is done.
            try await TestCluster.with(partitions: 64, leaseTTL: .seconds(5)) { cluster in
                func leases() throws -> [RedisReply] {
                    let script: RedisArgument = "return #redis.call('keys', '*partition:*')"
                    return try cluster.redis.map { try $0.ask("EVAL", script, "0") }
                }
                try await eventually("every node has all leases") {
                    try leases() == Array(repeating: .integer(64), count: 5)
                }
                try await blocking { cluster.drain("worker-1") }
                #expect(try leases() == Array(repeating: .integer(0), count: 5))
            }
        }

        @Test func `a worker that joins pulls its share, one that drains leaves all, and no call fails`()
            async throws
        {
            try await TestCluster.with(brokers: 2) { cluster in
                let client = try cluster.client()
                var crowds: [Crowd] = []
                // Sales on several partitions, so that calls meet every hand-over.
                for _ in 0..<6 {
                    let sale = try await cluster.createSale(client, units: 1_000_000)
                    crowds.append(
                        Crowd(
                            in: sale, through: [client],
                            options: CallOptions(deadline: .seconds(20), maximumAttempts: 1)))
                }
                let all = crowds
                async let asking = withTaskGroup(of: Tally.self) { group in
                    for crowd in all { group.addTask { await crowd.keepPlacing(width: 2) } }
                    return await group.reduce(into: Tally()) { $0 = $0 + $1 }
                }
                cluster.startWorker("worker-2")
                try await eventually("both own a share at both brokers") {
                    let statuses = await cluster.statuses(client)
                    return statuses.count == 2
                        && statuses.allSatisfy {
                            Set($0.partitions.map(\.owner)) == ["worker-1", "worker-2"]
                        }
                }
                try await blocking { cluster.drain("worker-1") }
                try await cluster.waitUntilOwned(by: "worker-2")
                let answered = all.map { $0.answered.orders.count }
                try await eventually("the new owner sells everything") {
                    zip(all, answered).allSatisfy { $0.answered.orders.count > $1 + 10 }
                }
                for crowd in all { crowd.stop() }
                let tally = await asking
                #expect(tally.messages() == [])
                #expect(tally.orders.count > 100)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }
    }
}
