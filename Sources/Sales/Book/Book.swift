/// The state of one partition's sales in memory: what its owner decides from.
///
/// A value without I/O, clock or randomness. It changes only through entries: `apply` after the next one
/// was decided or loaded, `revert` when its batch did not commit. So the book is at all times the committed
/// state plus the entries on their way, newest last.
public struct Book: Sendable {
    public let partition: Partition
    /// One record per entry: sequence numbers begin at 1 and have no gaps, so `n` is at index `n - 1`.
    private var records: [Record] = []
    private var sequences = ShardedDictionary<RequestID, Int64>()
    var sales: [Stock] = []
    private var saleIndex: [SaleLane: Int] = [:]
    /// Terms that uncommitted entries replaced, so that they can be put back.
    private var replacedTerms: [(sequence: Int64, terms: SaleTerms)] = []
    /// The lives of the orders, in the order of their placing.
    var lives: [OrderLife] = []
    /// What uncommitted entries about orders replaced.
    var replacedLives: [ReplacedLife] = []
    /// Attempts to pay, by what began them.
    var attempts = ShardedDictionary<RequestID, PaymentAttempt>()
    var unsettled: Set<UnsettledPayment> = []
    /// Sales, by the time of the first of their orders that is due, or an earlier one.
    var dueSales = DueOrders()
    /// Sales that somebody waits for, in ascending order.
    var waited: [Int] = []
    /// What ended each wait, by the sequences of both.
    var waitEnds: [Int64: Int64] = [:]
    /// Which wait an order was placed for.
    var offers: [Int64: Int64] = [:]
    /// Orders whose expiry the ledger cannot store.
    var unstorable: Set<Int64> = []
    /// Sequence of the last entry that is known to be in the ledger.
    public private(set) var committed: Int64 = 0

    public init(partition: Partition) { self.partition = partition }

    /// Sequence of the last entry, committed or not.
    public var last: Int64 { Int64(records.count) }

    // MARK: Entries

    /// Adds the effect of the next entry in the sequence.
    public mutating func apply(_ entry: Entry) {
        precondition(entry.sequence == last + 1, "entry \(entry.sequence) does not follow \(last)")
        let request = RequestID(sale: entry.sale, buyer: entry.buyer, key: entry.key)
        let sale: Int
        if entry.kind == .saleCreated {
            sale = sales.count
            saleIndex[SaleLane(sale: entry.sale, lane: entry.lane)] = sale
            guard let terms = entry.terms else { preconditionFailure("a sale was created without terms") }
            sales.append(Stock(id: entry.sale, lane: entry.lane, created: entry.sequence, terms: terms))
        } else if let index = saleIndex[SaleLane(sale: entry.sale, lane: entry.lane)] {
            sale = index
        } else {
            preconditionFailure("entry \(entry.sequence) is about sale \(entry.sale), which nobody created")
        }
        sales[sale].left += entry.stockChange
        switch entry.kind {
        case .saleCreated, .unitsAdded, .unitsWithdrawn:
            sales[sale].added += entry.stockChange
        case .saleOpened, .saleClosed, .salePaused, .saleResumed, .limitChanged:
            guard let terms = entry.terms else { preconditionFailure("terms were changed without terms") }
            replacedTerms.append((entry.sequence, sales[sale].terms))
            sales[sale].terms = terms
        case .orderPlaced, .keyVoided:
            if entry.about != 0 { endWait(entry, sale) }
        case .waitClosed, .waitRanOut, .waitOverLimit:
            endWait(entry, sale)
        case .waitBegun: break
        case .paymentBegun, .paymentFailed, .paymentTaken, .paymentTakenLate, .orderExpired, .orderCancelled,
            .refundBegun, .refundDone, .surplusOwed, .surplusReturned:
            applyLife(entry, sale)
        }
        precondition(sales[sale].left >= 0, "entry \(entry.sequence) oversells sale \(entry.sale)")
        if entry.kind.isAnswer { sequences[request] = entry.sequence }
        records.append(Record(entry: entry, sale: Int32(sale), life: lives.count))
        if entry.kind == .orderPlaced {
            begin(
                OrderLife(placedAt: entry.at, under: sales[sale].terms, isOffer: entry.about != 0), sale)
        } else if entry.kind == .waitBegun {
            beginWait(entry, sale)
        }
    }

    private mutating func begin(_ life: OrderLife, _ sale: Int) {
        lives.append(life)
        sales[sale].orders += 1
        count(nil, life, of: last, in: sale)
        if let until = life.until { addDue(last, until, sale) }
    }

    /// Takes back the last entry, which did not commit.
    public mutating func revertLast() {
        guard last > committed, let record = records.last else {
            preconditionFailure("entry \(last) is committed and cannot be taken back")
        }
        let sale = Int(record.sale)
        let id = RequestID(sale: sales[sale].id, buyer: record.buyer, key: record.key)
        sales[sale].left -= record.stockChange
        var wait: Int64?
        switch record.kind {
        case .saleCreated:
            // Entries are taken back newest first, so nothing refers to the sale any more.
            let removed = sales.removeLast()
            saleIndex[SaleLane(sale: removed.id, lane: removed.lane)] = nil
        case .unitsAdded, .unitsWithdrawn:
            sales[sale].added -= record.stockChange
        case .saleOpened, .saleClosed, .salePaused, .saleResumed, .limitChanged:
            guard let replaced = replacedTerms.popLast() else { preconditionFailure("no terms to put back") }
            sales[sale].terms = replaced.terms
        case .orderPlaced:
            count(lives.removeLast(), nil, of: last, in: sale)
            sales[sale].orders -= 1
            wait = offers.isEmpty ? nil : offers.removeValue(forKey: last)
        case .waitBegun:
            stopWaiting(last, sale)
        case .waitClosed, .waitRanOut, .waitOverLimit:
            wait = record.link
        case .paymentBegun, .paymentFailed, .paymentTaken, .paymentTakenLate, .orderExpired, .orderCancelled,
            .refundBegun, .refundDone, .surplusOwed, .surplusReturned:
            revertLife(record, sale)
        case .keyVoided:
            wait = record.link == 0 ? nil : record.link
        }
        if record.kind.isAnswer { sequences[id] = nil }
        records.removeLast()
        if let wait { revertWaitEnd(wait, id, sale) }
    }

    /// Takes back every entry after `sequence`.
    public mutating func revert(to sequence: Int64) {
        while last > sequence { revertLast() }
    }

    /// Notes that all entries up to `sequence` are in the ledger. Calls `emptied` for every sale they touched
    /// whose committed stock is now zero, and `stocked` for those where it no longer is.
    public mutating func commit(
        to sequence: Int64, emptied: (SaleID, Lane) -> Void = { _, _ in },
        stocked: (SaleID, Lane) -> Void = { _, _ in }
    ) {
        precondition(committed <= sequence && sequence <= last, "cannot commit \(sequence) of \(last)")
        for index in Int(committed)..<Int(sequence) {
            let record = records[index]
            let change = record.stockChange
            guard change != 0 else { continue }
            let sale = Int(record.sale)
            let before = sales[sale].committedLeft
            sales[sale].committedLeft += change
            if before == 0, change > 0 { stocked(sales[sale].id, sales[sale].lane) }
            if sales[sale].committedLeft == 0 { emptied(sales[sale].id, sales[sale].lane) }
        }
        committed = sequence
        while let first = replacedTerms.first, first.sequence <= sequence { replacedTerms.removeFirst() }
        if let first = replacedLives.first, first.sequence <= sequence {
            let kept = replacedLives.firstIndex { $0.sequence > sequence } ?? replacedLives.endIndex
            replacedLives.removeFirst(kept)
        }
    }

    // MARK: Looking up

    func sequence(of request: RequestID) -> Int64? { sequences[request] }
    mutating func setSequence(_ sequence: Int64, of request: RequestID) { sequences[request] = sequence }
    func record(at sequence: Int64) -> Record { records[Int(sequence) - 1] }
    func stockIndex(_ sale: SaleID, _ lane: Lane) -> Int? { saleIndex[SaleLane(sale: sale, lane: lane)] }
    func units(heldBy buyer: BuyerID, in index: Int) -> Int32 { sales[index].held[buyer] ?? 0 }
    func uncommittedUnits(of buyer: BuyerID, in index: Int) -> Int32 {
        records[Int(committed)...].filter {
            $0.kind == .orderPlaced && $0.buyer == buyer && Int($0.sale) == index
        }
        .reduce(0) { $0 + $1.quantity }
    }

    /// The order whose first entry has this sequence; nil when the entry is something else.
    public func order(at sequence: Int64) -> Order? {
        guard sequence >= 1, sequence <= last else { return nil }
        let record = record(at: sequence)
        guard record.kind == .orderPlaced else { return nil }
        let sale = sales[Int(record.sale)]
        let life = lives[Int(record.link)]
        return Order(
            id: OrderID(partition: partition, sequence: sequence), sale: sale.id, lane: sale.lane,
            buyer: record.buyer, key: record.key, quantity: record.quantity, amount: record.amount,
            currency: sale.terms.currency, placedAt: record.at, state: life.state, version: life.version,
            until: life.until, attempt: life.attempt)
    }

    /// A sale as it stands, uncommitted entries included.
    public func sale(_ id: SaleID, _ lane: Lane, at now: LedgerInstant) -> Sale? {
        stockIndex(id, lane).map { sale(at: $0, now) }
    }

    /// The first `maximum` sales, oldest first.
    public func sales(maximum: Int, at now: LedgerInstant) -> [Sale] {
        sales.indices.prefix(maximum).map { sale(at: $0, now) }
    }

    public var saleCount: Int { sales.count }

    /// Sales whose committed stock is zero: their gates are closed. One whose creation has not committed has no
    /// committed stock either, but units of it were never sold.
    public func soldOutSales() -> [(SaleID, Lane)] {
        sales.filter { $0.created <= committed && $0.committedLeft == 0 }.map { ($0.id, $0.lane) }
    }

    private func sale(at index: Int, _ now: LedgerInstant) -> Sale {
        let stock = sales[index]
        let state: Sale.State =
            if let closesAt = stock.terms.closesAt, now.latest >= closesAt {
                .closed
            } else if now.earliest < stock.terms.opensAt {
                .scheduled
            } else if stock.terms.isPaused {
                .paused
            } else if stock.left == 0 {
                .soldOut
            } else {
                .open
            }
        return Sale(
            id: stock.id, lane: stock.lane, partition: partition, terms: stock.terms, added: stock.added,
            left: stock.left, held: stock.unpaid, orders: stock.orders,
            waiting: Int64(stock.waits.count), state: state)
    }
}
