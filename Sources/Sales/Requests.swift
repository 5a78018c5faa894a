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

/// Asks for units as soon as some are free: for a place in the sale's waiting list, which is kept until it leads to an
/// order, ends, or is settled as "no order".
public struct WaitOrder: Hashable, Sendable {
    public var sale: SaleID
    public var lane: Lane
    public var buyer: BuyerID
    /// Units wanted; 1 to the sale's limit.
    public var quantity: Int32
    /// Of the order that it may lead to, too.
    public var key: RequestKey

    public init(sale: SaleID, lane: Lane = .only, buyer: BuyerID, quantity: Int32, key: RequestKey) {
        self.sale = sale
        self.lane = lane
        self.buyer = buyer
        self.quantity = quantity
        self.key = key
    }
}

/// Asks that an order be given up before it is paid: by its buyer.
public struct CancelOrder: Hashable, Sendable {
    public var order: OrderID
    public var buyer: BuyerID
    public var key: RequestKey

    public init(order: OrderID, buyer: BuyerID, key: RequestKey) {
        self.order = order
        self.buyer = buyer
        self.key = key
    }
}

/// Asks that an order end, paid or not: by an operator, who says why. What was paid goes back.
public struct RevokeOrder: Hashable, Sendable {
    public var order: OrderID
    public var key: RequestKey
    public var actor: String
    public var reason: String

    public init(order: OrderID, key: RequestKey, actor: String, reason: String) {
        self.order = order
        self.key = key
        self.actor = actor
        self.reason = reason
    }
}

/// Asks that an order be paid for. The attempt's key makes repeating safe: it never leads to a second charge.
public struct PayOrder: Hashable, Sendable {
    public var order: OrderID
    public var buyer: BuyerID
    public var attempt: RequestKey
    /// What the payment provider knows the buyer's means of payment by; its own affair. 1 to `longestToken` bytes.
    public var token: String

    public static let longestToken = 255

    public init(order: OrderID, buyer: BuyerID, attempt: RequestKey, token: String) {
        self.order = order
        self.buyer = buyer
        self.attempt = attempt
        self.token = token
    }
}

/// Asks to open an attempt to pay for an order. Its key is the provider's idempotency key, too: money is asked for only
/// after this has been answered.
public struct BeginPayment: Hashable, Sendable {
    public var order: OrderID
    public var buyer: BuyerID
    public var attempt: RequestKey

    public init(order: OrderID, buyer: BuyerID, attempt: RequestKey) {
        self.order = order
        self.buyer = buyer
        self.attempt = attempt
    }
}

/// Tells what became of the money of an attempt.
public struct RecordPayment: Hashable, Sendable {
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// The provider has the money.
        case taken
        /// It has not, and will not.
        case failed
        /// It has given it back.
        case refunded
    }

    public var order: OrderID
    public var attempt: RequestKey
    public var outcome: Outcome

    public init(order: OrderID, attempt: RequestKey, outcome: Outcome) {
        self.order = order
        self.attempt = attempt
        self.outcome = outcome
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
    /// Seconds for which an order is held until an attempt to pay begins; nil for ever.
    public var hold: Int32?
    /// Seconds that an attempt to pay may take.
    public var payment: Int32

    public init(
        sale: SaleID, key: RequestKey, name: String, price: Int64, currency: String, units: Int32,
        limit: Int32, opensAt: LedgerTime? = nil, closesAt: LedgerTime? = nil, hold: Int32? = nil,
        payment: Int32 = SaleTerms.usualPayment
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
        self.hold = hold
        self.payment = payment
    }
}

/// Asks for a change of a sale by its operators.
public struct ChangeSale: Hashable, Sendable {
    public enum Change: Hashable, Sendable {
        /// Opens now, whatever the window said; a sale that was closed is open again.
        case open
        case close
        case addUnits(Int32)
        /// Takes units that are left off sale.
        case withdrawUnits(Int32)
        /// Sells nothing for the time being.
        case pause
        case resume
        /// Units that one buyer may hold from now on. Who holds more keeps them.
        case limit(Int32)
    }

    public var sale: SaleID
    public var key: RequestKey
    public var change: Change
    /// Who wants it, and why; nil when nobody said.
    public var note: Note?

    /// Who wants a change, and why. Each text has at most `EntryNote.longest` bytes.
    public struct Note: Hashable, Sendable {
        public var actor: String
        public var reason: String

        public init(actor: String, reason: String) {
            self.actor = actor
            self.reason = reason
        }
    }

    public init(sale: SaleID, key: RequestKey, change: Change, note: Note? = nil) {
        self.sale = sale
        self.key = key
        self.change = change
        self.note = note
    }
}
