/// The life of an order: where it is, and what may happen next. The one state machine; `docs/order-life.md` draws it.
///
/// A value without I/O, clock or randomness. It changes through the entries about its order alone, so that whoever reads
/// them comes to the same state.
public struct OrderLife: Equatable, Sendable {
    // Zero stands for none in the fields below: 40 bytes, as there are millions.
    private var attemptKey = RequestKey(rawValue: 0)
    private var end: Int64 = 0
    private var holdEnd: Int64 = 0
    /// Entries about the order, the one that placed it included.
    public private(set) var version: Int32 = 1
    public private(set) var state = Order.State.reserved
    /// Whether its units are taken from the sale's stock: what *live* means.
    public private(set) var holdsUnits = true

    /// An order that has just been placed.
    ///
    /// - Parameter isOffer: its buyer waited for the units, and the next in line waits for the answer: it is held for no
    ///   longer than `Bounds.offer`. Where orders are held for ever, there is nothing to answer, and an offer is, too.
    public init(placedAt: LedgerTime, under terms: SaleTerms, isOffer: Bool = false) {
        guard let hold = terms.hold else { return }
        holdEnd = (placedAt + (isOffer ? min(hold, Bounds.offer) : hold)).rawValue
        end = holdEnd
    }

    /// The attempt that is open, or whose money the order has or gives back.
    public var attempt: RequestKey? { attemptKey.rawValue == 0 ? nil : attemptKey }
    /// When the hold ends while it is reserved, or the attempt while it is paying; nil when nothing ends it.
    public var until: LedgerTime? { end == 0 ? nil : LedgerTime(rawValue: end) }

    /// Whether an entry of this kind, about this attempt, may follow. Everything else is refused before it is written,
    /// and makes a ledger unreadable.
    public func allows(_ kind: Entry.Kind, attempt: RequestKey) -> Bool {
        switch kind {
        case .paymentBegun: state == .reserved
        // Of an attempt that outlived its order's hold, too: that it took nothing changes nothing any more.
        case .paymentFailed: attempt == self.attempt || state != .paying
        // Money of an attempt that was called failed, too: it has the order while nobody else does.
        case .paymentTaken: (state == .paying && attempt == self.attempt) || state == .reserved
        case .paymentTakenLate: state == .expired || state == .cancelled
        case .orderExpired: until != nil
        case .orderCancelled: state == .reserved
        case .refundBegun: refunds(attempt)
        case .refundDone: state == .refunding && attempt == self.attempt
        // Whatever became of the order.
        case .surplusOwed, .surplusReturned: true
        case .saleCreated, .saleOpened, .saleClosed, .unitsAdded, .unitsWithdrawn, .salePaused, .saleResumed,
            .limitChanged, .orderPlaced, .keyVoided, .waitBegun, .waitClosed, .waitRanOut, .waitOverLimit:
            false
        }
    }

    /// Takes an entry about the order.
    ///
    /// - Precondition: `allows` it.
    public mutating func apply(_ entry: Entry, under terms: SaleTerms) {
        version += 1
        switch entry.kind {
        case .paymentBegun:
            // A hold that would end while money moves waits for it.
            become(.paying, entry.key, until: max((entry.at + terms.payment).rawValue, holdEnd))
        case .paymentFailed:
            if state == .paying { become(.reserved, .none, until: holdEnd) }
        case .paymentTaken:
            become(.paid, entry.key)
        case .paymentTakenLate:
            become(.paid, entry.key)
            holdsUnits = true
        case .orderExpired:
            become(.expired, .none)
            holdsUnits = false
        case .orderCancelled:
            become(.cancelled, .none)
            holdsUnits = false
        case .refundBegun:
            become(.refunding, entry.key)
        case .surplusOwed, .surplusReturned: break
        case .refundDone:
            become(.refunded, entry.key)
            holdsUnits = false
        case .saleCreated, .saleOpened, .saleClosed, .unitsAdded, .unitsWithdrawn, .salePaused, .saleResumed,
            .limitChanged, .orderPlaced, .keyVoided, .waitBegun, .waitClosed, .waitRanOut, .waitOverLimit:
            preconditionFailure("\(entry.kind) is not about an order")
        }
    }

    private mutating func become(_ state: Order.State, _ attempt: RequestKey?, until end: Int64 = 0) {
        self.state = state
        attemptKey = attempt ?? RequestKey(rawValue: 0)
        self.end = end
    }

    /// Whether giving this attempt's money back is the end of the order. Of money beside what paid for it, it is not.
    public func refunds(_ attempt: RequestKey) -> Bool {
        switch state {
        case .paid: attempt == self.attempt
        case .expired, .cancelled: true
        case .reserved, .paying, .refunding, .refunded: false
        }
    }

    /// Lets a hold that ran out while nobody could pay go on for a while. Only the owner's memory knows of it: the entry
    /// that ends the hold is written when it ends.
    public mutating func extend(to time: LedgerTime) {
        guard end != 0, end < time.rawValue else { return }
        if state == .reserved { holdEnd = time.rawValue }
        end = time.rawValue
    }
}
