/// What a request is known by: its key, within its buyer and sale.
struct RequestID: Sharded, Sendable {
    let sale: SaleID
    let buyer: BuyerID
    let key: RequestKey

    var shard: UInt { UInt(truncatingIfNeeded: key.rawValue) ^ UInt(truncatingIfNeeded: buyer.rawValue) }
}

struct SaleLane: Hashable {
    let sale: SaleID
    let lane: Lane
}

extension BuyerID: Sharded {
    var shard: UInt { UInt(truncatingIfNeeded: rawValue) }
}

extension Book {
    /// What the book keeps of an entry: 64 bytes without references, as there are millions.
    struct Record: Sendable {
        let key: RequestKey
        let buyer: BuyerID
        let amount: Int64
        let at: LedgerTime
        /// Of an entry that places an order: where its life is kept. Of one about an order or a wait: that one's sequence.
        let link: Int64
        let quantity: Int32
        let sale: Int32
        let kind: Entry.Kind

        init(entry: Entry, sale: Int32, life: Int) {
            key = entry.key
            buyer = entry.buyer
            amount = entry.amount
            at = entry.at
            quantity = entry.quantity
            self.sale = sale
            kind = entry.kind
            link = entry.kind == .orderPlaced ? Int64(life) : entry.about
        }

        var stockChange: Int64 { kind.movesUnits * Int64(quantity) }
    }

    /// One sale's lane.
    struct Stock: Sendable {
        let id: SaleID
        let lane: Lane
        /// Sequence of the entry that created it.
        let created: Int64
        /// The terms that it was created with: what a repeated request to create it is compared with.
        let createdTerms: SaleTerms
        var terms: SaleTerms
        /// Units ever added.
        var added: Int64 = 0
        /// Units not in live orders, uncommitted entries included.
        var left: Int64 = 0
        /// The same, of committed entries alone.
        var committedLeft: Int64 = 0
        /// Units in live orders that nobody has paid for yet.
        var unpaid: Int64 = 0
        /// Orders ever placed.
        var orders: Int64 = 0
        var waits = WaitingList()
        /// Orders by the time at which something ends for them.
        var due = DueOrders()
        /// Units of live orders per buyer.
        var held = ShardedDictionary<BuyerID, Int32>()

        init(id: SaleID, lane: Lane, created: Int64, terms: SaleTerms) {
            self.id = id
            self.lane = lane
            self.created = created
            createdTerms = terms
            self.terms = terms
        }
    }
}
