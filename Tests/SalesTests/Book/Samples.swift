@testable import Sales

/// Short names for what the tests of a book say all the time.
extension Partition { static let sample = Partition(rawValue: 3) }
let sale = SaleID(rawValue: 7)
let opening = LedgerTime(rawValue: 1_000_000_000)
let closing = LedgerTime(rawValue: 2_000_000_000)

func key(_ number: Int) -> RequestKey { RequestKey(rawValue: UInt128(number)) }
func buyer(_ number: Int) -> BuyerID { BuyerID(rawValue: Int64(number)) }

/// The ledger's clock, `seconds` after the opening, known to within `error` microseconds.
func moment(_ seconds: Double, error: Int64 = 0) -> LedgerInstant {
    let middle = opening.rawValue + Int64(seconds * 1e6)
    return LedgerInstant(
        earliest: LedgerTime(rawValue: middle - error), latest: LedgerTime(rawValue: middle + error))
}

func create(
    _ sale: SaleID = sale, units: Int32 = 10, limit: Int32 = 3, key: RequestKey = key(1_000_000),
    price: Int64 = 500, opensAt: LedgerTime? = opening, closesAt: LedgerTime? = closing, hold: Int32? = nil,
    payment: Int32 = SaleTerms.usualPayment
) -> CreateSale {
    CreateSale(
        sale: sale, key: key, name: "Shoes", price: price, currency: "EUR", units: units, limit: limit,
        opensAt: opensAt, closesAt: closesAt, hold: hold, payment: payment)
}

func order(_ sequence: Int64) -> OrderID { OrderID(partition: .sample, sequence: sequence) }

func cancel(_ sequence: Int64, by buyerNumber: Int = 1, key keyNumber: Int = 900) -> CancelOrder {
    CancelOrder(order: order(sequence), buyer: buyer(buyerNumber), key: key(keyNumber))
}

func begin(_ sequence: Int64, by buyerNumber: Int = 1, attempt: Int) -> BeginPayment {
    BeginPayment(order: order(sequence), buyer: buyer(buyerNumber), attempt: key(attempt))
}

func record(_ outcome: RecordPayment.Outcome, _ sequence: Int64, attempt: Int) -> RecordPayment {
    RecordPayment(order: order(sequence), attempt: key(attempt), outcome: outcome)
}

func place(
    _ quantity: Int32 = 1, by buyerNumber: Int = 1, key keyNumber: Int, of sale: SaleID = sale
) -> PlaceOrder {
    PlaceOrder(sale: sale, buyer: buyer(buyerNumber), quantity: quantity, key: key(keyNumber))
}

func wait(
    _ quantity: Int32 = 1, by buyerNumber: Int = 1, key keyNumber: Int, of sale: SaleID = sale
) -> WaitOrder {
    WaitOrder(sale: sale, buyer: buyer(buyerNumber), quantity: quantity, key: key(keyNumber))
}

func settle(by buyerNumber: Int = 1, key keyNumber: Int, of sale: SaleID = sale) -> SettleOrder {
    SettleOrder(sale: sale, buyer: buyer(buyerNumber), key: key(keyNumber))
}

func change(_ change: ChangeSale.Change, key keyNumber: Int, of sale: SaleID = sale) -> ChangeSale {
    ChangeSale(sale: sale, key: key(keyNumber), change: change)
}

extension Book {
    /// A book with one committed sale.
    static func selling(
        units: Int32 = 10, limit: Int32 = 3, hold: Int32? = nil, payment: Int32 = SaleTerms.usualPayment
    ) -> Book {
        var book = Book(partition: .sample)
        _ = book.decide(create(units: units, limit: limit, hold: hold, payment: payment), at: moment(-1))
        book.commit(to: book.last)
        return book
    }

    /// Everything that a book shows: two books with equal snapshots answer every request alike.
    struct Snapshot: Equatable {
        var last: Int64
        var committed: Int64
        var sales: [Sale]
        var committedLeft: [Int64]
        var held: [[Int32]]
        var orders: [Order?]
        var soldOut: [SaleID]
        var keys: [Int64?]
        var unsettled: [UnsettledPayment]
    }

    func snapshot(buyers: Int = 6, keys: Int = 40) -> Snapshot {
        Snapshot(
            last: last, committed: committed, sales: sales(maximum: .max, at: moment(0)),
            committedLeft: sales.map(\.committedLeft),
            held: sales.indices.map { index in
                (1...buyers).map { units(heldBy: buyer($0), in: index) }
            },
            orders: (0...last + 1).map { order(at: $0) },
            soldOut: soldOutSales().map(\.0),
            keys: sales.flatMap { stock in
                (0...buyers).flatMap { number in
                    (0..<keys).map {
                        sequence(of: RequestID(sale: stock.id, buyer: buyer(number), key: key($0)))
                    }
                }
            },
            unsettled: unsettledPayments(after: nil, maximum: .max))
    }
}

extension Decision {
    /// The sequence of the entry that answers, new or old.
    var sequence: Int64? {
        switch self {
        case .entry(let entry): entry.sequence
        case .existing(let sequence): sequence
        case .refused: nil
        }
    }
}
