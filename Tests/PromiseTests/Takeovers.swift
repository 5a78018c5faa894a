import Client
import Foundation
import Methods
import Sales
import TestCluster
import Testing
import Wire
import Workers

extension OwnerPromises {
    /// How soon somebody else has what a worker had, and when nobody may.
    @Suite struct Takeovers {
        /// Seconds until every partition has this owner, as all brokers see it.
        private func takeover(
            _ cluster: TestCluster, by worker: String, after event: @Sendable @escaping () throws -> Void
        ) async throws -> Double {
            let start = Date()
            try await blocking { try event() }
            try await cluster.waitUntilOwned(by: worker)
            return Date().timeIntervalSince(start)
        }

        @Test func `what a dead worker had is taken over before its leases run out`() async throws {
            // They are renewed after a third of their six seconds, so at least 3.9 s are left of each.
            try await TestCluster.with(brokers: 2, leaseTTL: .seconds(6)) { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 10)
                cluster.startWorker("worker-2")
                try await eventually("both own partitions") {
                    let owners = await cluster.statuses(client).flatMap { $0.partitions.map(\.owner) }
                    return Set(owners) == ["worker-1", "worker-2"]
                }
                let seconds = try await takeover(cluster, by: "worker-2") { cluster.kill("worker-1") }
                #expect(seconds < 3.5)
                let order = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 7))
                #expect(try await cluster.orderIDs(sale) == ["\(order.id)"])
                await client.close()
            }
        }

        @Test func `an owner that is paused in a transaction holds up none of its partitions`() async throws {
            try await TestCluster.with(workers: 0, partitions: 16, leaseTTL: .seconds(2)) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                var sales: [SaleID] = []
                for _ in 0..<12 { sales.append(try await cluster.createSale(client, units: 10)) }

                // One transaction with entries of many partitions stands open and holds their rows.
                relay.arm(.stall)
                let orders = sales.map { sale in
                    Task { try? await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 7)) }
                }
                try await eventually("its transaction is open") { relay.sprung == 1 }
                cluster.startWorker("worker-2")
                try await eventually("the successor is there") {
                    await cluster.statuses(client)[0].workers.count == 2
                }
                let seconds = try await takeover(cluster, by: "worker-2") {
                    cluster.node("worker-1").pause()
                }
                #expect(seconds < 3, "within the lease's lifetime and a second")
                for sale in sales {
                    _ = try await client.placeOrder(
                        sale: sale, buyer: BuyerID(rawValue: 8),
                        options: CallOptions(deadline: .seconds(20)))
                }
                relay.release(commit: true)
                cluster.node("worker-1").resume()
                for order in orders { _ = await order.value }
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        @Test func `one blind broker takes nothing from a worker that another sees`() async throws {
            try await TestCluster.with(brokers: 2, workers: 0) { cluster in
                let (relay, way) = try cluster.startRelay(toBroker: "broker-2")
                let direct = cluster.workerEndpoint(of: "broker-1")
                cluster.startWorker("worker-1") { $0.brokers = [direct, way] }
                cluster.startWorker("worker-2")
                let client = try cluster.client(["broker-1"])
                let blind = try cluster.client(["broker-2"])
                try await eventually("both own their shares, as both brokers see it") {
                    let all = await cluster.statuses(client) + (await cluster.statuses(blind))
                    return all.allSatisfy { status in
                        ["worker-1", "worker-2"].allSatisfy { name in
                            status.partitions.count { $0.owner == name } == 4
                        }
                    }
                }
                let sale = try await cluster.createSale(client, units: 1_000_000)
                let fences = try await fences(cluster)
                let crowd = Crowd(
                    in: sale, through: [client],
                    options: CallOptions(deadline: .seconds(20), maximumAttempts: 1))
                async let asking = crowd.keepPlacing()

                // Its connection to one broker ends, and stays away for several lifetimes of a lease.
                relay.block()
                relay.cut()
                try await eventually("one broker sees one worker only") {
                    await cluster.statuses(blind).first?.workers.count == 1
                }
                try await pass(.milliseconds(4_000), blind, cluster)
                #expect(await cluster.statuses(blind).first?.workers.count == 1)
                relay.unblock()
                try await eventually("it is back") {
                    let status = await cluster.statuses(blind).first
                    return status?.partitions.allSatisfy { $0.owner != nil } == true
                }
                crowd.stop()
                #expect(await asking.messages() == [])
                #expect(try await self.fences(cluster) == fences, "nothing has changed hands")
                await client.close()
                await blind.close()
            }
        }

        private func fences(_ cluster: TestCluster) async throws -> String {
            try await cluster.sql(
                "SELECT string_agg(fence::text, ' ' ORDER BY partition) FROM stampede.partitions")
        }

        /// Waits until a broker has lived for so much longer.
        private func pass(_ time: TimeAmount, _ client: StampedeClient, _ cluster: TestCluster) async throws {
            func uptime() async -> Int64 { await cluster.statuses(client).first?.uptimeMilliseconds ?? 0 }
            let end = await uptime() + time.milliseconds
            try await eventually("\(time.milliseconds) ms have passed") { await uptime() >= end }
        }
    }
}
