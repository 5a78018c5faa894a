/// Why a book says no. Speaks of one attempt only, never of the key.
public enum Refusal: Error, Hashable, Sendable {
    case unknownSale
    case unknownOrder
    case soldOut
    /// Fewer units are left than were asked for, but some are.
    case notEnough(left: Int64)
    /// Units are there, but for those who wait. Whoever wants some can wait, too.
    case waitersFirst
    /// As many wait as may, `limit`.
    case listFull(limit: Int64)
    /// The buyer holds `held` units already and may hold `limit`.
    case overLimit(limit: Int32, held: Int32)
    case notYetOpen(opensAt: LedgerTime)
    case closed
    /// An operator has stopped the sale for the time being.
    case paused
    /// What was asked for does not follow from where the order is in its life.
    case wrongState(Order.State)
    /// Nobody began this attempt to pay.
    case unknownAttempt
    /// The key was used before, with other content.
    case keyReused
    /// The key was settled as "no order".
    case keyVoided
    case saleExists
    /// Not a quantity that any sale accepts.
    case badQuantity(Int32)
    /// A field of the request has a value that the ledger cannot hold or that makes no sense.
    case badField(String)
    /// The worker does not know the ledger's clock well enough to judge the window (promise P5).
    case clockUncertain
}
