/// What a sale promises its buyers. Immutable: opening or closing a sale makes new terms.
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

    public init(
        name: String, price: Int64, currency: String, limit: Int32, opensAt: LedgerTime, closesAt: LedgerTime?
    ) {
        self.name = name
        self.price = price
        self.currency = currency
        self.limit = limit
        self.opensAt = opensAt
        self.closesAt = closesAt
    }

    public static func == (lhs: SaleTerms, rhs: SaleTerms) -> Bool {
        lhs.name == rhs.name && lhs.price == rhs.price && lhs.currency == rhs.currency
            && lhs.limit == rhs.limit && lhs.opensAt == rhs.opensAt && lhs.closesAt == rhs.closesAt
    }

    /// The same sale with another window.
    public func with(opensAt: LedgerTime, closesAt: LedgerTime?) -> SaleTerms {
        SaleTerms(
            name: name, price: price, currency: currency, limit: limit, opensAt: opensAt, closesAt: closesAt)
    }
}
