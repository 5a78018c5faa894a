import Client
import Foundation
import Methods
import Sales
import TestCluster
import Testing
import Wire
import Workers

extension OwnerPromises {
    @Suite struct NeverUndersold {
        @Test func `units that come back are sold through both brokers, though a gate's message is lost`()
            async throws
        {
            // The lease is long, so that a broker that hears no beats does not count the worker as lost.
            try await TestCluster.with(brokers: 2, workers: 0, leaseTTL: .seconds(4)) { cluster in
                let (relay, endpoint) = try cluster.startRelay(toBroker: "broker-2")
                let direct = cluster.workerEndpoint(of: "broker-1")
                cluster.startWorker("worker-1") { $0.brokers = [direct, endpoint] }
                try await cluster.waitUntilOwned()
                let clients = try ["broker-1", "broker-2"].map { try cluster.client([$0]) }
                let both = try cluster.client()
                let sale = try await cluster.createSale(both, units: 20)

                let first = await Crowd.place(
                    (1...100).map { .init(buyer: $0) }, in: sale, through: clients)
                #expect(first.orders.count == 20)
                #expect(first.count(.soldOut) == 80)
                try await gatesClose(cluster, sale, both, clients)

                // From here on broker 2 hears of no gate that opens: its lease must open it.
                relay.loseBeats(true)
                try await eventually("a beat is lost") { relay.beatsLost > 0 }
                _ = try await both.changeSale(sale, .addUnits(15))
                let added = Date()
                let second = await withTaskGroup(of: Int.self) { group in
                    for (index, client) in clients.enumerated() {
                        group.addTask {
                            await buy(5, sale, client, after: added, buyers: Int64(index + 1) * 1_000)
                        }
                    }
                    return await group.reduce(0, +)
                }
                #expect(second == 10)
                #expect(relay.beatsLost > 1)
                relay.loseBeats(false)

                let third = await Crowd.place(
                    (5_001...5_100).map { .init(buyer: $0) }, in: sale, through: clients)
                #expect(third.orders.count == 5)
                try await gatesClose(cluster, sale, both, clients)
                #expect(try await cluster.unitsSold(sale) == 35)
                #expect(try await both.sale(sale).left == 0)
                #expect(try await cluster.violations() == [])
                for client in clients + [both] { await client.close() }
            }
        }

        /// Both brokers refuse at the door, and a known order still passes.
        private func gatesClose(
            _ cluster: TestCluster, _ sale: SaleID, _ both: StampedeClient, _ clients: [StampedeClient]
        ) async throws {
            try await eventually("the gate is closed at both brokers") {
                let statuses = await cluster.statuses(both)
                return statuses.count == 2 && statuses.allSatisfy { $0.gates.map(\.sale) == [sale] }
            }
            let before = await cluster.statuses(both).map(\.gateRefusals)
            for client in clients {
                let refused = await Crowd.place(
                    (1...10).map { .init(buyer: 9_000 + $0) }, in: sale, through: [client])
                #expect(refused.count(.soldOut) == 10)
            }
            // Refused by the brokers, unless a gate's lease lapsed on a slow machine just then.
            try await eventually("the gates refuse") {
                _ = await Crowd.place([.init(buyer: 9_999)], in: sale, through: [both])
                let now = await cluster.statuses(both).map(\.gateRefusals)
                return zip(before, now).allSatisfy { $0 < $1 }
            }
        }

        @Test func `a sale that its owner leaves behind sold out is still sold out, and not a moment longer`()
            async throws
        {
            try await TestCluster.with(brokers: 2, workers: 2) { cluster in
                let clients = try ["broker-1", "broker-2"].map { try cluster.client([$0]) }
                let both = try cluster.client()
                let sale = try await cluster.createSale(both, units: 10)
                let first = await Crowd.place((1...50).map { .init(buyer: $0) }, in: sale, through: clients)
                #expect(first.orders.count == 10)
                try await gatesClose(cluster, sale, both, clients)
                let owner = try #require(await cluster.owner(of: sale, both))
                try await blocking { cluster.kill(owner) }
                // The new owner's book says zero: refused by it, then by its gate.
                let second = await Crowd.place((51...99).map { .init(buyer: $0) }, in: sale, through: clients)
                #expect(second.orders.isEmpty)
                try await gatesClose(cluster, sale, both, clients)
                _ = try await both.changeSale(sale, .addUnits(10))
                let added = Date()
                var sold = 0
                for (index, client) in clients.enumerated() {
                    sold += await buy(5, sale, client, after: added, buyers: Int64(index + 1) * 1_000)
                }
                #expect(sold == 10)
                #expect(try await both.sale(sale).left == 0)
                #expect(try await cluster.violations() == [])
                for client in clients + [both] { await client.close() }
            }
        }
    }
}

/// Buys `count` units one by one, asking again when refused. Records an issue for a "sold out" that was said to
/// a call begun more than a second after units were added, while there were units.
private func buy(
    _ count: Int, _ sale: SaleID, _ client: StampedeClient, after added: Date, buyers: Int64
) async -> Int {
    var bought = 0
    var buyer = buyers
    while bought < count, buyer < buyers + 900 {
        buyer += 1
        let start = Date()
        do throws(CallError) {
            _ = try await client.placeOrder(
                sale: sale, buyer: BuyerID(rawValue: buyer), options: .init(deadline: .seconds(20)))
            bought += 1
        } catch {
            #expect(error.reason == .soldOut, "\(error)")
            #expect(
                start.timeIntervalSince(added) <= 1,
                "'sold out' \(start.timeIntervalSince(added)) s after units were added")
            try? await Task.sleep(nanoseconds: 10_000_000)
        }
    }
    return bought
}
