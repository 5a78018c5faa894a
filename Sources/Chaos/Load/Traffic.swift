import Methods
import Resilience
import Sales

/// The load as a value: what is asked for and when, drawn from a seed.
///
/// Arrivals are a Poisson process: the answers of the system do not change when the next request comes, or a
/// stall would hide the requests that real buyers would have sent (coordinated omission).
struct Traffic: Sendable {
    enum Request: Hashable, Sendable {
        case place(PlaceOrder, isRepeat: Bool)
        case placeMany(SaleID, [OrderRequest])
        case settle(SettleOrder)
        case change(ChangeSale)
        case look(SaleID)
    }

    struct Arrival: Sendable {
        /// Microseconds after the first.
        let time: Int64
        let request: Request
        /// Makes one attempt only and so shows what the cluster itself says.
        let isImpatient: Bool
    }

    private let shop: Storefront
    private var random: SplitMix64
    private let pause: Double
    private var time = 0.0
    /// Earlier requests, to be repeated or settled. The newest replace the oldest.
    private var earlier: [PlaceOrder] = []
    private var count = 0
    private var nextChange = 1_000_000.0
    private var changes = 0

    private static let memory = 1_024
    /// Few regular buyers meet the limit again and again; the others come once or twice.
    private static let regulars: Int64 = 40
    private static let strangers: Int64 = 1_000_000

    init(_ plan: Plan, shop: Storefront, seed: UInt64) {
        self.shop = shop
        random = SplitMix64(seed: seed)
        pause = 1_000_000 / Double(plan.rate)
    }

    /// The next arrival; there is always one.
    mutating func next() -> Arrival {
        if time >= nextChange {
            nextChange += 500_000
            let change = Request.change(nextChangeOfSale())
            return Arrival(time: Int64(time), request: change, isImpatient: false)
        }
        time -= pause * Double.random(in: Double.ulpOfOne..<1, using: &random).logarithm
        let isImpatient = Int.random(in: 0..<4, using: &random) == 0
        return Arrival(time: Int64(time), request: nextRequest(), isImpatient: isImpatient)
    }

    private mutating func nextRequest() -> Request {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<60: return .place(remember(order(of: shop.plenty[index(shop.plenty.count)])), isRepeat: false)
        case ..<76: return .place(remember(order(of: shop.hot)), isRepeat: false)
        case ..<80: return .place(remember(order(of: shop.shutter)), isRepeat: false)
        case ..<83: return .place(remember(order(of: shop.window)), isRepeat: false)
        case ..<89: return repeated(altered: false)
        case ..<91: return repeated(altered: true)
        case ..<94: return many(of: shop.plenty[index(shop.plenty.count)])
        case ..<97: return settled()
        default: return .look(shop.all[index(shop.all.count)].sale)
        }
    }

    private mutating func index(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private mutating func key() -> RequestKey {
        RequestKey(rawValue: UInt128.random(in: 1...UInt128.max, using: &random))
    }

    private mutating func buyer() -> BuyerID {
        let isRegular = index(20) == 0
        let people = isRegular ? 1...Traffic.regulars : 1_000...Traffic.strangers
        return BuyerID(rawValue: .random(in: people, using: &random))
    }

    private mutating func order(of shelf: Storefront.Shelf) -> PlaceOrder {
        let quantity = index(3) == 0 ? Int32.random(in: 1...shelf.limit, using: &random) : 1
        return PlaceOrder(sale: shelf.sale, buyer: buyer(), quantity: quantity, key: key())
    }

    private mutating func remember(_ order: PlaceOrder) -> PlaceOrder {
        if earlier.count < Traffic.memory {
            earlier.append(order)
        } else {
            earlier[count % Traffic.memory] = order
        }
        count += 1
        return order
    }

    /// One of the last requests once more, as a reload sends it; or with another quantity, which is refused.
    private mutating func repeated(altered: Bool) -> Request {
        guard !earlier.isEmpty else { return nextRequest() }
        var order = earlier[index(earlier.count)]
        if altered { order.quantity = order.quantity % 4 + 1 }
        return .place(order, isRepeat: true)
    }

    private mutating func many(of shelf: Storefront.Shelf) -> Request {
        let orders = (0..<Int.random(in: 2...12, using: &random)).map { _ in
            OrderRequest(buyer: buyer(), quantity: 1, key: key())
        }
        return .placeMany(shelf.sale, orders)
    }

    /// Mostly of an order that was asked for; else of a key that nobody has used, and its later use.
    private mutating func settled() -> Request {
        if index(3) > 0, !earlier.isEmpty {
            let order = earlier[index(earlier.count)]
            return .settle(SettleOrder(sale: order.sale, buyer: order.buyer, key: order.key))
        }
        let order = remember(order(of: shop.plenty[index(shop.plenty.count)]))
        return .settle(SettleOrder(sale: order.sale, buyer: order.buyer, key: order.key))
    }

    /// Units for the hot sale, and the shutter down and up.
    private mutating func nextChangeOfSale() -> ChangeSale {
        changes += 1
        switch changes % 8 {
        case 3: return ChangeSale(sale: shop.shutter.sale, key: key(), change: .close)
        case 5: return ChangeSale(sale: shop.shutter.sale, key: key(), change: .open)
        default: return ChangeSale(sale: shop.hot.sale, key: key(), change: .addUnits(20))
        }
    }
}
