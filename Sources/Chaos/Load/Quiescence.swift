import Client
import Methods
import Sales
import Wire

/// What follows the faults: every unknown outcome is settled, and fresh buyers buy what is left.
struct Quiescence {
    let caller: Caller
    let shop: Storefront

    private static let options = CallOptions(deadline: .seconds(5), maximumAttempts: 15)
    /// Until every key has its definite end; I11 of the invariants asks for ten seconds.
    private static let limit: Int64 = 10_000_000
    /// Buyers of the drain are strangers to the load.
    private static let firstFreshBuyer: Int64 = 1 << 40
    private static let callsAtOnce = 256

    /// Returns how many outcomes stayed unknown.
    func settle() async -> Int {
        let end = caller.journal.now + Quiescence.limit
        var open = caller.takeUnknown()
        while !open.isEmpty, caller.journal.now < end {
            open = await withTaskGroup(of: SettleOrder?.self) { group in
                var rest: [SettleOrder] = []
                for (index, request) in open.enumerated() {
                    if index >= Quiescence.callsAtOnce, let result = await group.next(), let result {
                        rest.append(result)
                    }
                    group.addTask {
                        let isSettled = await caller.settle(
                            request, Quiescence.options, caller.journal.now, call: "final")
                        return isSettled ? nil : request
                    }
                }
                for await case let result? in group { rest.append(result) }
                return rest
            }
        }
        return open.count
    }

    /// Buys what is left of a sale, and then one unit more, which must be refused as sold out.
    func drain(_ shelf: Storefront.Shelf) async {
        guard let sale = await caller.look(shelf.sale, Quiescence.options, caller.journal.now) else { return }
        var left = sale.left
        var buyer = Quiescence.firstFreshBuyer
        while left > 0 {
            var orders: [OrderRequest] = []
            while left > 0, orders.count < PlaceMany.maximum / 2 {
                let quantity = min(left, Int64(shelf.limit))
                orders.append(
                    OrderRequest(buyer: BuyerID(rawValue: buyer), quantity: Int32(quantity), key: .random()))
                buyer += 1
                left -= quantity
            }
            await caller.placeMany(
                shelf.sale, orders, Quiescence.options, caller.journal.now, call: "drain")
        }
        let more = PlaceOrder(sale: shelf.sale, buyer: BuyerID(rawValue: buyer), quantity: 1, key: .random())
        await caller.place(more, Quiescence.options, caller.journal.now, call: "one-more")
    }
}
