/// An order as its buyer sees it.
public struct Order: Hashable, Sendable {
    public var id: OrderID
    public var sale: SaleID
    public var lane: Lane
    public var buyer: BuyerID
    public var key: RequestKey
    public var quantity: Int32
    /// In minor units of `currency`; fixed when the order was placed.
    public var amount: Int64
    public var currency: String
    public var placedAt: LedgerTime
    public var state: State
    /// How many entries of the ledger are about the order; what says more about it than another has a higher one.
    public var version: Int32
    /// While it is reserved or paying: when that ends unless something happens. Nil when nothing ends it.
    public var until: LedgerTime?
    /// The attempt to pay that is open, or whose money the order has or gives back.
    public var attempt: RequestKey?

    /// Where an order is in its life; `OrderLife` says what may follow. Those that hold units are live.
    public enum State: String, Sendable, CaseIterable {
        /// Its units are held for the buyer.
        case reserved
        /// An attempt to pay is open: money may move.
        case paying
        case paid
        /// Its money is on its way back.
        case refunding
        case refunded
        /// Nobody paid in time; its units went back.
        case expired
        /// The buyer or an operator gave it up; its units went back.
        case cancelled
    }

    public init(
        id: OrderID, sale: SaleID, lane: Lane, buyer: BuyerID, key: RequestKey, quantity: Int32,
        amount: Int64, currency: String, placedAt: LedgerTime, state: State = .reserved, version: Int32 = 1,
        until: LedgerTime? = nil, attempt: RequestKey? = nil
    ) {
        self.id = id
        self.sale = sale
        self.lane = lane
        self.buyer = buyer
        self.key = key
        self.quantity = quantity
        self.amount = amount
        self.currency = currency
        self.placedAt = placedAt
        self.state = state
        self.version = version
        self.until = until
        self.attempt = attempt
    }
}

/// How a request key ended for good.
public enum Settlement: Hashable, Sendable {
    case placed(Order)
    /// There is no order with this key and there never will be.
    case voided
}

/// A sale as its operators see it.
public struct Sale: Equatable, Sendable {
    public var id: SaleID
    public var lane: Lane
    public var partition: Partition
    public var terms: SaleTerms
    /// Units ever added, less those withdrawn.
    public var added: Int64
    /// Units not in live orders.
    public var left: Int64
    /// Units in live orders that nobody has paid yet: they may come back.
    public var held: Int64
    /// Orders ever placed.
    public var orders: Int64
    /// How many wait for units that come back.
    public var waiting: Int64
    /// By the ledger's clock at the time of the answer.
    public var state: State

    public enum State: String, Sendable, CaseIterable {
        case scheduled
        case open
        case soldOut = "sold-out"
        case paused
        case closed
    }

    public init(
        id: SaleID, lane: Lane, partition: Partition, terms: SaleTerms, added: Int64, left: Int64,
        held: Int64 = 0, orders: Int64, waiting: Int64 = 0, state: State
    ) {
        self.id = id
        self.lane = lane
        self.partition = partition
        self.terms = terms
        self.added = added
        self.left = left
        self.held = held
        self.orders = orders
        self.waiting = waiting
        self.state = state
    }
}
