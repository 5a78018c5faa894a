/// Asks for units of a sale.
public struct PlaceOrder: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    public var buyer: BuyerID
    /// Units wanted; 1 to the sale's limit.
    public var quantity: Int32
    public var key: RequestKey

    public init(sale: SaleID, lane: Lane = .only, buyer: BuyerID, quantity: Int32, key: RequestKey) {
        self.sale = sale
        self.lane = lane
        self.buyer = buyer
        self.quantity = quantity
        self.key = key
    }
}

/// Asks how the request with this key ended, and ends it if it has not: the definite end of an unknown outcome.
public struct SettleOrder: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    public var buyer: BuyerID
    public var key: RequestKey

    public init(sale: SaleID, lane: Lane = .only, buyer: BuyerID, key: RequestKey) {
        self.sale = sale
        self.lane = lane
        self.buyer = buyer
        self.key = key
    }
}

/// Asks for a new sale.
public struct CreateSale: Equatable, Sendable {
    public var sale: SaleID
    public var key: RequestKey
    public var name: String
    public var price: Int64
    public var currency: String
    public var units: Int32
    public var limit: Int32
    /// Nil opens at once.
    public var opensAt: LedgerTime?
    public var closesAt: LedgerTime?

    public init(
        sale: SaleID, key: RequestKey, name: String, price: Int64, currency: String, units: Int32,
        limit: Int32,
        opensAt: LedgerTime? = nil, closesAt: LedgerTime? = nil
    ) {
        self.sale = sale
        self.key = key
        self.name = name
        self.price = price
        self.currency = currency
        self.units = units
        self.limit = limit
        self.opensAt = opensAt
        self.closesAt = closesAt
    }
}

/// Asks for a change of a sale by its operators.
public struct ChangeSale: Hashable, Sendable {
    public enum Change: Hashable, Sendable {
        /// Opens now, whatever the window said; a sale that was closed is open again.
        case open
        case close
        case addUnits(Int32)
    }

    public var sale: SaleID
    public var key: RequestKey
    public var change: Change

    public init(sale: SaleID, key: RequestKey, change: Change) {
        self.sale = sale
        self.key = key
        self.change = change
    }
}
