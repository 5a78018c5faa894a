public import Sales

/// Asks for the orders of a sale, in the order of their placing, page by page. Orders that change meanwhile stay where
/// they are; each is told as it is when its page is made.
public struct ListOrders: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    /// Only this buyer's; nil for everybody's.
    public var buyer: BuyerID?
    /// Only those that are in this state now; nil for any.
    public var state: Order.State?
    /// The cursor of the page before, 0 for the first page.
    public var after: Int64
    /// Most orders in the page, 1 to `OrderList.maximum`.
    public var limit: Int32

    public init(
        sale: SaleID, lane: Lane = .only, buyer: BuyerID? = nil, state: Order.State? = nil, after: Int64 = 0,
        limit: Int32 = OrderList.maximum
    ) {
        self.sale = sale
        self.lane = lane
        self.buyer = buyer
        self.state = state
        self.after = after
        self.limit = limit
    }
}

/// A page of orders. It may have few or none although more follow: an owner looks at so many entries for a page only.
public struct OrderList: Hashable, Sendable {
    public var orders: [Order]
    /// Asks for the next page; nil when there is none.
    public var next: Int64?

    /// What fits in one message, with room to spare.
    public static let maximum: Int32 = 200

    public init(orders: [Order], next: Int64?) {
        self.orders = orders
        self.next = next
    }
}

/// Asks to be told of an order, now and whenever it changes.
public struct WatchOrder: Hashable, Sendable {
    public var order: OrderID
    /// The version that the caller knows, 0 for none: what is older is not told again.
    public var version: Int32

    public init(order: OrderID, version: Int32 = 0) {
        self.order = order
        self.version = version
    }
}

/// An order as it is. Whoever reads slowly, or comes back, gets the newest and hears how much happened in between.
public struct OrderUpdate: Hashable, Sendable {
    public var order: Order
    /// Changes before this one that were not told.
    public var missed: Int32

    public init(order: Order, missed: Int32) {
        self.order = order
        self.missed = missed
    }
}

/// Asks to be told of a sale, now and whenever it changes, but not more often than ten times a second.
public struct WatchSale: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    /// The sequence of the last update that the caller has; nil for none.
    public var from: Int64?

    public init(sale: SaleID, lane: Lane = .only, from: Int64? = nil) {
        self.sale = sale
        self.lane = lane
        self.from = from
    }
}

/// A sale as it is.
public struct SaleUpdate: Equatable, Sendable {
    public var sale: Sale
    /// The last entry of the partition that it takes into account: to come back from.
    public var sequence: Int64
    /// Orders placed a second, over the last second or two.
    public var rate: Int64
    /// Something may have happened since the sequence that the caller had, and is not told: only what came of it is.
    public var hasMissed: Bool

    public init(sale: Sale, sequence: Int64, rate: Int64, hasMissed: Bool) {
        self.sale = sale
        self.sequence = sequence
        self.rate = rate
        self.hasMissed = hasMissed
    }
}
