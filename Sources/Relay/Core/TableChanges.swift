import Ledger
import Sales

/// What events change in the tables `orders` and `buyers`.
struct TableChanges {
    /// Each order once, as it stands after the last of them.
    private(set) var orders: [OrderRow] = []
    private(set) var buyers: [BuyerChange.Key: BuyerChange] = [:]

    init(_ events: [Event]) {
        var places: [OrderID: Int] = [:]
        for event in events {
            guard let order = event.order else { continue }
            let row = OrderRow(
                partition: event.partition, placing: order.placing, life: order.life,
                currency: event.terms?.currency ?? "", changedAt: event.entry.at)
            if let place = places[order.id] {
                orders[place] = row
            } else {
                places[order.id] = orders.count
                orders.append(row)
            }
            add(order, at: event.entry.at)
        }
    }

    private mutating func add(_ order: Event.Standing, at time: LedgerTime) {
        let placing = order.placing
        let key = BuyerChange.Key(buyer: placing.buyer, sale: placing.sale, lane: placing.lane)
        var change = buyers[key] ?? BuyerChange(at: time)
        let units = Int64(placing.quantity)
        if order.before == nil { change.orders += 1 }
        change.units += (order.life.holdsUnits ? units : 0) - (order.before?.holdsUnits == true ? units : 0)
        let paid = (order.life.state == .paid ? 1 : 0) - (order.before?.state == .paid ? 1 : 0) as Int64
        change.unitsPaid += paid * units
        change.amountPaid += paid * placing.amount
        change.last = time
        buyers[key] = change
    }
}
