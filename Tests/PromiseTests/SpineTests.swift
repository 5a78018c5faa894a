import Client
import Sales
import TestCluster
import Testing
import Wire

@Suite struct Spine {
    @Test func `an order is placed, found again and settled`() async throws {
        let cluster = try await TestCluster.running()
        defer { cluster.stop() }
        let client = try cluster.client()
        let sale = try await cluster.createSale(client, units: 10, limit: 2)
        let key = RequestKey.random()
        let order = try await client.placeOrder(
            sale: sale, buyer: BuyerID(rawValue: 7), quantity: 2, key: key)
        #expect(order.amount == 2 * 1_999)
        #expect(try await client.order(order.id) == order)
        let again = try await client.placeOrder(
            sale: sale, buyer: BuyerID(rawValue: 7), quantity: 2, key: key)
        #expect(again == order)
        #expect(
            try await client.settleOrder(sale: sale, buyer: BuyerID(rawValue: 7), key: key) == .placed(order))
        #expect(try await client.sale(sale).left == 8)
        await client.close()
    }
}
