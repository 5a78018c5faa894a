/// How a wait stands, as its buyer sees it.
public enum WaitState: Hashable, Sendable {
    /// So many are before, and so many wait in all.
    case waiting(ahead: Int64, of: Int64)
    /// Its turn came: an order holds the units for as long as the order says.
    case offered(Order)
    case ended(End)

    /// Why a wait led to nothing.
    public enum End: String, Hashable, Sendable, CaseIterable {
        case saleClosed = "sale-closed"
        /// It lasted for `Bounds.patience`.
        case ranOut = "ran-out"
        /// When its turn came, the buyer held as much as the sale allows.
        case overLimit = "over-limit"
        /// Its key was settled as "no order".
        case givenUp = "given-up"
    }
}

/// What whoever finds nothing free is told beside that.
public struct Outlook: Hashable, Sendable {
    /// Units of orders that nobody has paid for yet.
    public var held: Int64
    /// When the first of them returns unless its buyer does something; nil when none returns by itself.
    public var next: LedgerTime?
    /// How many wait for what returns, and come first.
    public var waiting: Int64

    public init(held: Int64, next: LedgerTime?, waiting: Int64) {
        self.held = held
        self.next = next
        self.waiting = waiting
    }
}
