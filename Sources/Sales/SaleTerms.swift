/// What a sale promises its buyers. Immutable: changing a sale makes new terms.
///
/// A class, so that an `Entry` of an order carries one null pointer instead of a copy.
public final class SaleTerms: Equatable, Sendable {
    public let name: String
    /// Price of one unit in minor units (cents, fen) of `currency`.
    public let price: Int64
    /// ISO 4217, three capital letters.
    public let currency: String
    /// Units that one buyer may hold in live orders together.
    public let limit: Int32
    /// Nothing is sold before.
    public let opensAt: LedgerTime
    /// Nothing is sold from then on; nil for a sale that is closed by hand.
    public let closesAt: LedgerTime?
    /// For how many seconds an order is held until an attempt to pay begins; nil for ever.
    public let hold: Int32?
    /// How many seconds an attempt to pay may take before its order expires all the same.
    public let payment: Int32
    /// Nothing is sold for the time being.
    public let isPaused: Bool

    /// Unless a sale says something else.
    public static let usualPayment: Int32 = 120

    public init(
        name: String, price: Int64, currency: String, limit: Int32, opensAt: LedgerTime,
        closesAt: LedgerTime?, hold: Int32? = nil, payment: Int32 = SaleTerms.usualPayment,
        isPaused: Bool = false
    ) {
        self.name = name
        self.price = price
        self.currency = currency
        self.limit = limit
        self.opensAt = opensAt
        self.closesAt = closesAt
        self.hold = hold
        self.payment = payment
        self.isPaused = isPaused
    }

    public static func == (lhs: SaleTerms, rhs: SaleTerms) -> Bool {
        lhs.name == rhs.name && lhs.price == rhs.price && lhs.currency == rhs.currency
            && lhs.limit == rhs.limit && lhs.opensAt == rhs.opensAt && lhs.closesAt == rhs.closesAt
            && lhs.hold == rhs.hold && lhs.payment == rhs.payment && lhs.isPaused == rhs.isPaused
    }

    /// The same sale with another window.
    public func with(opensAt: LedgerTime, closesAt: LedgerTime?) -> SaleTerms {
        SaleTerms(
            name: name, price: price, currency: currency, limit: limit, opensAt: opensAt, closesAt: closesAt,
            hold: hold, payment: payment, isPaused: isPaused)
    }

    /// The same sale with another limit.
    public func with(limit: Int32) -> SaleTerms {
        SaleTerms(
            name: name, price: price, currency: currency, limit: limit, opensAt: opensAt, closesAt: closesAt,
            hold: hold, payment: payment, isPaused: isPaused)
    }

    /// The same sale, paused or not.
    public func with(isPaused: Bool) -> SaleTerms {
        SaleTerms(
            name: name, price: price, currency: currency, limit: limit, opensAt: opensAt, closesAt: closesAt,
            hold: hold, payment: payment, isPaused: isPaused)
    }
}
