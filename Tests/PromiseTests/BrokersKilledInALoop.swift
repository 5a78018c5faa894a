import Client
import Foundation
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    /// Brokers hold nothing that their death could lose: P1 to P3 and P8 with brokers dying all the time.
    @Suite struct BrokersKilledInALoop {
        @Test func `every call ends, and every yes is one order`() async throws {
            try await TestCluster.with(brokers: 2, workers: 2) { cluster in
                let clients = try (0..<3).map { _ in try cluster.client() }
                let sale = try await cluster.createSale(clients[0], units: 1_000_000)
                let crowd = Crowd(
                    in: sale, through: clients, options: CallOptions(deadline: .seconds(3)))
                async let placing = crowd.keepPlacing(width: 24)
                for round in 0..<12 {
                    let answered = crowd.answered.orders.count
                    try await eventually("orders are answered") {
                        crowd.answered.orders.count > answered + 50
                    }
                    // Now and then both at once: then nobody is left to ask for a while.
                    let victims = round % 4 == 3 ? ["broker-1", "broker-2"] : ["broker-\(round % 2 + 1)"]
                    for victim in victims { try await blocking { cluster.kill(victim) } }
                    for victim in victims { cluster.startBroker(victim) }
                }
                crowd.stop()
                let tally = await placing
                #expect(tally.calls > 600)
                #expect(tally.slowest < 3 + 2)
                // A caller who does not know can settle: the order, or that there is none.
                for (request, error) in tally.errors where error.certainty == .maybeExecuted {
                    let end = try await clients[0].settleOrder(
                        sale: sale, buyer: request.buyer, key: request.key,
                        options: CallOptions(deadline: .seconds(20), maximumAttempts: 15))
                    if case .placed(let order) = end { #expect(order.key == request.key) }
                }
                // Nobody was refused by the sale itself.
                #expect(tally.errors.allSatisfy { $0.error.certainty != .executed })
                let ledger = try await cluster.orderIDs(sale)
                #expect(tally.orderIDs.count == tally.orders.count)
                #expect(tally.orderIDs.isSubset(of: ledger))
                #expect(try await cluster.violations() == [])
                for client in clients { await client.close() }
            }
        }
    }
}
