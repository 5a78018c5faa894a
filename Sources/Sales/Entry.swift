/// One row of the ledger: something that happened to an order or a sale. Written once, never changed.
public struct Entry: Equatable, Sendable {
    public var kind: Kind
    /// Place in the partition's sequence, from 1, without gaps.
    public var sequence: Int64
    public var sale: SaleID
    public var lane: Lane
    /// `.operators` for what happened to the sale itself.
    public var buyer: BuyerID
    /// The request that this entry answers.
    public var key: RequestKey
    /// Units of the order, waited for, or that come or leave; of a changed limit the limit. 0 where there are none.
    public var quantity: Int32
    /// What the order costs, in minor units of the sale's currency; fixed here. Of a payment, too. Else zero.
    public var amount: Int64
    /// The ledger's time when it was decided, as the worker knew it.
    public var at: LedgerTime
    /// The order that it is about: the sequence of the entry that placed it. 0 when it is about none, or places one. What
    /// ends a wait, an order placed for it included, is about the entry that began the wait.
    public var about: Int64
    /// The terms of the sale from here on. Only entries about a sale have them.
    public var terms: SaleTerms?
    /// Who wanted it, and why; nil for what buyers and owners do as a matter of course.
    public var note: EntryNote?

    /// What happened. The raw values are stored; never reuse one.
    public enum Kind: Int16, Sendable, CaseIterable {
        case saleCreated = 1
        /// The window now begins at `at`.
        case saleOpened = 2
        /// The window now ends at `at`.
        case saleClosed = 3
        case unitsAdded = 4
        /// Units that were left are no longer for sale.
        case unitsWithdrawn = 5
        case salePaused = 6
        case saleResumed = 7
        /// The terms have another limit per buyer.
        case limitChanged = 8
        case orderPlaced = 16
        /// The key was settled as "no order": no later attempt may place one.
        case keyVoided = 17
        // What happens to an order. `key` is the attempt to pay, but of those that end without one.
        /// An attempt to pay is open. Money is asked for only after this has committed.
        case paymentBegun = 18
        /// The attempt took no money.
        case paymentFailed = 19
        case paymentTaken = 20
        /// Money for an order that had expired or was cancelled: its units are taken anew.
        case paymentTakenLate = 21
        case orderExpired = 22
        case orderCancelled = 23
        /// The order's money is to go back.
        case refundBegun = 24
        case refundDone = 25
        /// Money of another attempt than the one that paid is to go back.
        case surplusOwed = 26
        case surplusReturned = 27
        // The waiting list. What ends a wait has its key; an order placed for it (16) and a settled key (17) end it, too.
        /// Somebody waits for units that come back: its place in the list is that of the entry in the ledger.
        case waitBegun = 28
        /// The sale closed first.
        case waitClosed = 29
        /// It lasted for as long as a wait may.
        case waitRanOut = 30
        /// When its turn came, the buyer held as much as the sale allows.
        case waitOverLimit = 31
    }

    public init(
        kind: Kind, sequence: Int64, sale: SaleID, lane: Lane, buyer: BuyerID, key: RequestKey,
        quantity: Int32 = 0, amount: Int64 = 0, at: LedgerTime, about: Int64 = 0, terms: SaleTerms? = nil,
        note: EntryNote? = nil
    ) {
        self.kind = kind
        self.sequence = sequence
        self.sale = sale
        self.lane = lane
        self.buyer = buyer
        self.key = key
        self.quantity = quantity
        self.amount = amount
        self.at = at
        self.about = about
        self.terms = terms
        self.note = note
    }

    /// How the entry changes the units left in the sale's stock.
    public var stockChange: Int64 { kind.movesUnits * Int64(quantity) }
}

extension Entry.Kind {
    /// 1 when its units come into the stock, -1 when they leave it, else 0.
    @inline(__always)
    public var movesUnits: Int64 {
        switch self {
        case .saleCreated, .unitsAdded, .orderExpired, .orderCancelled, .refundDone: 1
        case .unitsWithdrawn, .orderPlaced, .paymentTakenLate: -1
        case .saleOpened, .saleClosed, .salePaused, .saleResumed, .limitChanged, .keyVoided, .paymentBegun,
            .paymentFailed, .paymentTaken, .refundBegun, .surplusOwed, .surplusReturned, .waitBegun,
            .waitClosed,
            .waitRanOut, .waitOverLimit:
            0
        }
    }
}

/// Who wanted something, and why: for whoever asks later.
///
/// A class, so that an `Entry` of an order carries one null pointer instead of two texts.
public final class EntryNote: Equatable, Sendable {
    /// As the caller said; at most `longest` bytes.
    public let actor: String
    public let reason: String

    /// Bytes of each text.
    public static let longest = 200

    public init(actor: String, reason: String) {
        self.actor = actor
        self.reason = reason
    }

    public static func == (lhs: EntryNote, rhs: EntryNote) -> Bool {
        lhs.actor == rhs.actor && lhs.reason == rhs.reason
    }
}
