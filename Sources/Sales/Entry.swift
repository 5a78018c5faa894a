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
    /// Units of the order, or units added.
    public var quantity: Int32
    /// What the order costs, in minor units of the sale's currency; fixed here. Zero unless placed.
    public var amount: Int64
    /// The ledger's time when it was decided, as the worker knew it.
    public var at: LedgerTime
    /// The terms of the sale from here on. Only entries about a sale have them.
    public var terms: SaleTerms?

    /// What happened. The raw values are stored; never reuse one.
    public enum Kind: Int16, Sendable, CaseIterable {
        case saleCreated = 1
        /// The window now begins at `at`.
        case saleOpened = 2
        /// The window now ends at `at`.
        case saleClosed = 3
        case unitsAdded = 4
        case orderPlaced = 16
        /// The key was settled as "no order": no later attempt may place one.
        case keyVoided = 17
    }

    public init(
        kind: Kind, sequence: Int64, sale: SaleID, lane: Lane, buyer: BuyerID, key: RequestKey,
        quantity: Int32 = 0, amount: Int64 = 0, at: LedgerTime, terms: SaleTerms? = nil
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
        self.terms = terms
    }

    /// How the entry changes the units left in the sale's stock.
    public var stockChange: Int64 {
        switch kind {
        case .saleCreated, .unitsAdded: Int64(quantity)
        case .orderPlaced: -Int64(quantity)
        case .saleOpened, .saleClosed, .keyVoided: 0
        }
    }
}
