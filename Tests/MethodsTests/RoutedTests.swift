import Methods
import Sales
import Testing
import Wire

@Suite struct RoutedTests {
    @Test func `what carries a key or only reads may be repeated`() {
        let key = RequestKey(rawValue: 1)
        let sale = SaleID(rawValue: 7)
        #expect(PlaceOrder(sale: sale, buyer: BuyerID(rawValue: 1), quantity: 1, key: key).route.isRepeatable)
        #expect(ChangeSale(sale: sale, key: key, change: .open).route.isRepeatable)
        #expect(GetSale(sale: sale).route.isRepeatable)
        #expect(Empty().route.isRepeatable)
    }

    @Test func `what changes something without a key may not`() {
        let yield = YieldPartition(partition: Partition(rawValue: 3), successor: "w")
        #expect(!yield.route.isRepeatable)
        let keyless = PlaceOrder(
            sale: SaleID(rawValue: 7), buyer: BuyerID(rawValue: 1), quantity: 1, key: RequestKey(rawValue: 0))
        #expect(!keyless.route.isRepeatable)
    }

    @Test func `a lane is part of the route`() {
        let request = PlaceOrder(
            sale: SaleID(rawValue: 7), lane: Lane(rawValue: 2), buyer: BuyerID(rawValue: 1), quantity: 1,
            key: RequestKey(rawValue: 9))
        let header = OrderMethods.place.header(for: request)
        #expect(header.routing == RoutingKey(sale: 7, lane: 2))
        #expect(header.requestKey == 9)
    }
}
