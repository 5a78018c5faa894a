import Testing

@testable import Sales

@Suite struct BookDecidingTests {
    @Test func `an order takes its units and has a price`() throws {
        var book = Book.selling(units: 10)
        guard case .entry(let entry) = book.decide(place(2, key: 1), at: moment(1)) else {
            throw Unexpected()
        }
        #expect(entry.kind == .orderPlaced)
        #expect(entry.amount == 1_000)
        #expect(entry.stockChange == -2)
        let order = try #require(book.order(at: entry.sequence))
        #expect(order.id == OrderID(partition: .sample, sequence: 2))
        #expect(order.quantity == 2)
        #expect(book.sale(sale, .only, at: moment(1))?.left == 8)
    }

    // MARK: One key, one order (P3)

    @Test func `the same request again is the same order`() {
        var book = Book.selling()
        let first = book.decide(place(2, key: 1), at: moment(1))
        #expect(book.decide(place(2, key: 1), at: moment(1)) == .existing(first.sequence!))
        #expect(book.sale(sale, .only, at: moment(1))?.left == 8)
    }

    @Test func `an order is found again when the sale is closed, sold out and its clock is lost`() {
        var book = Book.selling(units: 2)
        let first = book.decide(place(2, key: 1), at: moment(1))
        #expect(book.decide(place(1, by: 2, key: 2), at: moment(1)) == .refused(.soldOut))
        for later in [moment(5_000), moment(1, error: 500_000)] {
            #expect(book.decide(place(2, key: 1), at: later) == .existing(first.sequence!))
            #expect(book.decide(settle(key: 1), at: later) == .existing(first.sequence!))
        }
    }

    @Test func `a key with other content is refused`() {
        var book = Book.selling()
        _ = book.decide(place(2, key: 1), at: moment(1))
        #expect(book.decide(place(1, key: 1), at: moment(1)) == .refused(.keyReused))
    }

    @Test func `a key with another lane is refused`() {
        var book = Book.selling()
        let lane = Lane(rawValue: 1)
        book.apply(
            Entry(
                kind: .saleCreated, sequence: 2, sale: sale, lane: lane, buyer: .operators, key: key(90),
                quantity: 5, at: opening, terms: book.sales[0].terms))
        _ = book.decide(place(1, key: 1), at: moment(1))
        let other = PlaceOrder(sale: sale, lane: lane, buyer: buyer(1), quantity: 1, key: key(1))
        #expect(book.decide(other, at: moment(1)) == .refused(.keyReused))
    }

    @Test func `keys belong to their buyer and sale`() {
        var book = Book.selling()
        let other = SaleID(rawValue: 8)
        _ = book.decide(create(other), at: moment(0))
        let decisions = [
            book.decide(place(key: 1), at: moment(1)), book.decide(place(by: 2, key: 1), at: moment(1)),
            book.decide(place(key: 1, of: other), at: moment(1)),
        ]
        #expect(decisions.map(\.sequence) == [3, 4, 5])
    }

    @Test func `a refusal speaks of one attempt only`() {
        var book = Book.selling(units: 1)
        #expect(book.decide(place(2, key: 1), at: moment(1)) == .refused(.notEnough(left: 1)))
        _ = book.decide(change(.addUnits(5), key: 9), at: moment(1))
        #expect(book.decide(place(2, key: 1), at: moment(1)).sequence != nil)
    }

    @Test func `a void refuses its key for ever`() {
        var book = Book.selling()
        let void = book.decide(settle(key: 1), at: moment(1))
        #expect(book.decide(settle(key: 1), at: moment(1)) == .existing(void.sequence!))
        #expect(book.order(at: void.sequence!) == nil)
        book.commit(to: book.last)
        for quantity: Int32 in 1...3 {
            #expect(book.decide(place(quantity, key: 1), at: moment(1)) == .refused(.keyVoided))
        }
        _ = book.decide(change(.open, key: 9), at: moment(2))
        #expect(book.decide(place(key: 1), at: moment(3)) == .refused(.keyVoided))
        #expect(book.decide(place(by: 2, key: 1), at: moment(3)).sequence != nil)
    }

    // MARK: Limit (P4)

    @Test func `a buyer's orders together keep the limit`() {
        var book = Book.selling(limit: 3)
        #expect(book.decide(place(4, key: 1), at: moment(1)) == .refused(.overLimit(limit: 3, held: 0)))
        _ = book.decide(place(2, key: 2), at: moment(1))
        #expect(book.decide(place(2, key: 3), at: moment(1)) == .refused(.overLimit(limit: 3, held: 2)))
        #expect(book.decide(place(1, key: 4), at: moment(1)).sequence != nil)
        #expect(book.decide(place(1, key: 5), at: moment(1)) == .refused(.overLimit(limit: 3, held: 3)))
        #expect(book.decide(place(3, by: 2, key: 6), at: moment(1)).sequence != nil)
    }

    // MARK: Window (P5)

    @Test(arguments: [
        (-1.0, Int64(0), Refusal?.some(.notYetOpen(opensAt: opening))), (0, 0, nil),
        (0.05, 60_000, .notYetOpen(opensAt: opening)), (0.06, 60_000, nil),
        (999.9, 50_000, nil), (999.95, 60_000, .closed), (999.999_999, 0, nil), (1_000, 0, .closed),
        (1_000.05, 100_000, .closed), (500, 100_000, nil), (500, 100_001, .clockUncertain),
    ])
    func `nothing is sold unless the whole possible time lies in the window`(
        seconds: Double, error: Int64, refusal: Refusal?
    ) {
        var book = Book.selling()
        let decision = book.decide(place(key: 1), at: moment(seconds, error: error))
        if let refusal {
            #expect(decision == .refused(refusal))
        } else {
            #expect(decision.sequence == 2)
        }
    }

    @Test func `a sale that is open is open still when it is opened again`() {
        var book = Book.selling()
        #expect(book.decide(change(.open, key: 11), at: moment(50)).sequence != nil)
        #expect(book.sales[0].terms.opensAt == opening)
        #expect(book.decide(place(key: 1), at: moment(49, error: 20_000)).sequence != nil)
    }

    @Test func `a sale is opened early, closed and opened again`() {
        var book = Book.selling()
        _ = book.decide(change(.open, key: 11), at: moment(-500))
        #expect(book.sale(sale, .only, at: moment(-500))?.terms.closesAt == closing)
        #expect(book.decide(place(key: 1), at: moment(-499)).sequence != nil)
        _ = book.decide(change(.close, key: 12), at: moment(-100, error: 1_000))
        #expect(book.decide(place(key: 2), at: moment(-100, error: 1_000)) == .refused(.closed))
        #expect(book.decide(place(key: 2), at: moment(1)) == .refused(.closed))
        #expect(book.sale(sale, .only, at: moment(1))?.state == .closed)
        _ = book.decide(change(.open, key: 13), at: moment(2))
        #expect(book.decide(place(key: 2), at: moment(3)).sequence != nil)
        #expect(book.sale(sale, .only, at: moment(5_000))?.state == .open)
    }

    @Test func `a sale that is closed before its opening never opens by itself`() {
        var book = Book.selling()
        _ = book.decide(change(.close, key: 12), at: moment(-100))
        #expect(book.decide(place(key: 1), at: moment(1)) == .refused(.closed))
    }

    @Test func `a change is not judged by an uncertain clock`() {
        var book = Book.selling()
        for (number, wanted) in [ChangeSale.Change.open, .close, .addUnits(1)].enumerated() {
            #expect(
                book.decide(change(wanted, key: number + 1), at: moment(1, error: 100_001))
                    == .refused(.clockUncertain))
        }
        #expect(
            book.decide(create(SaleID(rawValue: 9)), at: moment(1, error: 100_001))
                == .refused(.clockUncertain))
    }

    // MARK: Sales

    @Test func `a sale is created once`() {
        var book = Book(partition: .sample)
        #expect(book.decide(create(), at: moment(-1)).sequence == 1)
        #expect(book.decide(create(), at: moment(-1)) == .existing(1))
        #expect(book.decide(create(key: key(5)), at: moment(-1)) == .refused(.saleExists))
        #expect(book.decide(change(.open, key: 6), at: moment(-1)).sequence == 2)
        #expect(book.decide(create(), at: moment(-1)) == .existing(1))
        #expect(book.decide(create(key: key(6)), at: moment(-1)) == .refused(.saleExists))
    }

    @Test(arguments: [
        create(units: 11), create(limit: 4), create(price: 501), create(opensAt: nil),
        create(opensAt: LedgerTime(rawValue: 5)), create(closesAt: nil),
        create(closesAt: LedgerTime(rawValue: closing.rawValue + 1)),
    ])
    func `a sale's key with other content is refused`(other: CreateSale) {
        var book = Book.selling()
        #expect(book.decide(other, at: moment(-1)) == .refused(.keyReused))
        // Opening it by hand changes its terms, not what was asked for.
        _ = book.decide(change(.open, key: 1), at: moment(-0.5))
        #expect(book.decide(other, at: moment(1)) == .refused(.keyReused))
        #expect(book.decide(create(), at: moment(1)) == .existing(1))
    }

    @Test func `a sale without an opening opens at once, also for who asks again`() {
        var book = Book(partition: .sample)
        #expect(book.decide(create(opensAt: nil), at: moment(5, error: 10)).sequence == 1)
        #expect(book.decide(place(key: 1), at: moment(5, error: 10)).sequence == 2)
        #expect(book.decide(create(opensAt: nil), at: moment(9)) == .existing(1))
    }

    @Test func `units are added once per key`() {
        var book = Book.selling(units: 1)
        _ = book.decide(place(key: 1), at: moment(1))
        #expect(book.decide(change(.addUnits(4), key: 20), at: moment(1)).sequence == 3)
        #expect(book.decide(change(.addUnits(4), key: 20), at: moment(1)) == .existing(3))
        #expect(book.decide(change(.addUnits(5), key: 20), at: moment(1)) == .refused(.keyReused))
        #expect(book.decide(change(.close, key: 20), at: moment(1)) == .refused(.keyReused))
        let seen = book.sale(sale, .only, at: moment(1))
        #expect(seen?.added == 5)
        #expect(seen?.left == 4)
    }

    // MARK: What no sale accepts

    @Test(arguments: [0, -1, .min, Bounds.quantity + 1, .max])
    func `an order has a sensible quantity`(quantity: Int32) {
        var book = Book.selling()
        #expect(book.decide(place(quantity, key: 1), at: moment(1)) == .refused(.badQuantity(quantity)))
    }

    @Test(arguments: [0, -1, .min, Bounds.units + 1, .max])
    func `an addition has a sensible quantity`(units: Int32) {
        var book = Book.selling()
        #expect(
            book.decide(change(.addUnits(units), key: 1), at: moment(1)) == .refused(.badQuantity(units)))
    }

    @Test func `a sale never holds more units than can be counted`() {
        var book = Book.selling(units: Bounds.units)
        var added = Int64(Bounds.units)
        while added + Int64(Bounds.units) <= Bounds.unitsEver {
            let decision = book.decide(change(.addUnits(Bounds.units), key: Int(book.last)), at: moment(1))
            #expect(decision.sequence != nil)
            added += Int64(Bounds.units)
        }
        #expect(
            book.decide(change(.addUnits(Bounds.units), key: 5_000), at: moment(1))
                == .refused(.badQuantity(Bounds.units)))
        #expect(book.sale(sale, .only, at: moment(1))?.left == added)
    }

    @Test func `the dearest order that is accepted can be counted`() throws {
        var book = Book(partition: .sample)
        _ = book.decide(
            create(units: Bounds.units, limit: Bounds.quantity, price: Bounds.price), at: moment(-1))
        let sequence = try #require(book.decide(place(Bounds.quantity, key: 1), at: moment(1)).sequence)
        #expect(book.order(at: sequence)?.amount == 1_000_000_000_000_000_000)
        #expect(
            book.decide(place(Bounds.quantity, key: 2), at: moment(1))
                == .refused(.overLimit(limit: Bounds.quantity, held: Bounds.quantity)))
    }

    @Test func `a key of zero is no key`() {
        var book = Book.selling()
        #expect(book.decide(place(key: 0), at: moment(1)) == .refused(.badField("key")))
        #expect(book.decide(settle(key: 0), at: moment(1)) == .refused(.badField("key")))
        #expect(book.decide(change(.open, key: 0), at: moment(1)) == .refused(.badField("key")))
    }

    @Test func `unknown sales and buyers are refused`() {
        var book = Book.selling()
        let unknown = SaleID(rawValue: 99)
        #expect(book.decide(place(key: 1, of: unknown), at: moment(1)) == .refused(.unknownSale))
        #expect(book.decide(settle(key: 1, of: unknown), at: moment(1)) == .refused(.unknownSale))
        #expect(book.decide(change(.open, key: 1, of: unknown), at: moment(1)) == .refused(.unknownSale))
        for number in [0, -1] {
            #expect(book.decide(place(by: number, key: 1), at: moment(1)) == .refused(.badField("buyer")))
            #expect(book.decide(settle(by: number, key: 1), at: moment(1)) == .refused(.badField("buyer")))
        }
    }

    @Test(arguments: [
        (\CreateSale.name, "", "name"), (\.name, "a\u{0}b", "name"), (\.name, "a\nb", "name"),
        (\.currency, "eur", "currency"), (\.currency, "EURO", "currency"), (\.currency, "€", "currency"),
    ])
    func `a sale's words can be stored and read`(
        path: any WritableKeyPath<CreateSale, String> & Sendable, value: String, field: String
    ) {
        var request = create()
        request[keyPath: path] = value
        var book = Book(partition: .sample)
        #expect(book.decide(request, at: moment(1)) == .refused(.badField(field)))
        #expect(book.last == 0)
    }

    @Test(arguments: [
        (create(SaleID(rawValue: 0)), "sale"), (create(units: 0), "units"),
        (create(units: Bounds.units + 1), "units"), (create(limit: 0), "limit"),
        (create(limit: Bounds.quantity + 1), "limit"), (create(price: -1), "price"),
        (create(price: Bounds.price + 1), "price"),
        (create(opensAt: LedgerTime(rawValue: -1)), "opens"),
        (create(opensAt: LedgerTime(rawValue: .max)), "opens"),
        (create(closesAt: LedgerTime(rawValue: .max)), "closes"),
        (create(closesAt: opening), "closes"),
        (create(opensAt: nil, closesAt: LedgerTime(rawValue: 5)), "closes"),
    ])
    func `a sale's numbers make sense`(request: CreateSale, field: String) {
        var book = Book(partition: .sample)
        #expect(book.decide(request, at: moment(1)) == .refused(.badField(field)))
        #expect(book.last == 0)
    }

    struct Unexpected: Error {}
}
