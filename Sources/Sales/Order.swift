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

    /// Where an order is in its life. Live while reserved; later issues of the product add payment.
    public enum State: String, Sendable, CaseIterable {
        case reserved
    }

    public init(
        id: OrderID, sale: SaleID, lane: Lane, buyer: BuyerID, key: RequestKey, quantity: Int32,
        amount: Int64,
        currency: String, placedAt: LedgerTime, state: State = .reserved
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
    /// Units ever added.
    public var added: Int64
    /// Units not in live orders.
    public var left: Int64
    public var orders: Int64
    /// By the ledger's clock at the time of the answer.
    public var state: State

    public enum State: String, Sendable, CaseIterable {
        case scheduled
        case open
        case soldOut = "sold-out"
        case closed
    }

    public init(
        id: SaleID, lane: Lane, partition: Partition, terms: SaleTerms, added: Int64, left: Int64,
        orders: Int64,
        state: State
    ) {
        self.id = id
        self.lane = lane
        self.partition = partition
        self.terms = terms
        self.added = added
        self.left = left
        self.orders = orders
        self.state = state
    }
}
