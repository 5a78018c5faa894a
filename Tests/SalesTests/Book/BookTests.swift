import Testing

@testable import Sales

@Suite struct BookTests {
    @Test func `each entry taken back leaves the book as it was`() {
        var book = Book(partition: .sample)
        var snapshots = [book.snapshot()]
        let steps: [(inout Book) -> Decision] = [
            { $0.decide(create(), at: moment(-1)) },
            { $0.decide(change(.open, key: 1), at: moment(-0.5)) },
            { $0.decide(place(2, key: 2), at: moment(1)) },
            { $0.decide(place(1, key: 3), at: moment(1)) },
            { $0.decide(settle(key: 4), at: moment(1)) },
            { $0.decide(change(.addUnits(5), key: 5), at: moment(2)) },
            { $0.decide(change(.close, key: 6), at: moment(3)) },
            { $0.decide(change(.open, key: 7), at: moment(4)) },
            { $0.decide(create(SaleID(rawValue: 8), units: 1), at: moment(4)) },
            { $0.decide(place(1, key: 8, of: SaleID(rawValue: 8)), at: moment(5)) },
        ]
        for step in steps {
            #expect(step(&book).sequence == book.last)
            snapshots.append(book.snapshot())
        }
        while book.last > 0 {
            snapshots.removeLast()
            book.revertLast()
            #expect(book.snapshot() == snapshots.last)
        }
    }

    @Test func `a book read from its entries is the book that made them`() {
        var book = Book.selling()
        var entries: [Entry] = []
        for number in 1...5 {
            if case .entry(let entry) = book.decide(place(1, by: number, key: number), at: moment(1)) {
                entries.append(entry)
            }
        }
        var read = Book.selling()
        for entry in entries { read.apply(entry) }
        #expect(read.snapshot() == book.snapshot())
        read.commit(to: read.last)
        book.commit(to: book.last)
        #expect(read.snapshot() == book.snapshot())
    }

    @Test func `only what is not committed is taken back`() {
        var book = Book.selling()
        _ = book.decide(place(1, key: 1), at: moment(1))
        book.commit(to: 2)
        let kept = book.snapshot()
        _ = book.decide(place(2, key: 2), at: moment(1))
        _ = book.decide(change(.close, key: 3), at: moment(2))
        book.revert(to: book.committed)
        #expect(book.snapshot() == kept)
    }

    @Test func `terms that a committed entry replaced stay replaced`() {
        var book = Book.selling()
        _ = book.decide(change(.close, key: 1), at: moment(1))
        book.commit(to: 2)
        let closed = book.sales[0].terms
        _ = book.decide(change(.open, key: 2), at: moment(2))
        book.revertLast()
        #expect(book.sales[0].terms == closed)
    }

    // MARK: Gates

    /// The order in which a commit tells that sales ran empty or got units.
    private func commit(_ book: inout Book, to sequence: Int64) -> [String] {
        var told: [String] = []
        book.commit(
            to: sequence, emptied: { sale, _ in told.append("emptied \(sale)") },
            stocked: { sale, _ in told.append("stocked \(sale)") })
        return told
    }

    @Test func `a sale is empty when its last unit is committed, not before`() {
        var book = Book.selling(units: 2)
        _ = book.decide(place(1, key: 1), at: moment(1))
        _ = book.decide(place(1, key: 2), at: moment(1))
        #expect(book.decide(place(1, key: 3), at: moment(1)) == .refused(.soldOut))
        #expect(book.soldOutSales().isEmpty)
        #expect(commit(&book, to: 2) == [])
        #expect(commit(&book, to: 3) == ["emptied 7"])
        #expect(book.soldOutSales().map(\.0) == [sale])
        _ = book.decide(change(.addUnits(1), key: 4), at: moment(1))
        #expect(book.soldOutSales().map(\.0) == [sale])
        #expect(commit(&book, to: 4) == ["stocked 7"])
        #expect(book.soldOutSales().isEmpty)
    }

    @Test func `what a commit tells last is how the sale stands`() {
        var book = Book.selling(units: 1)
        _ = book.decide(place(1, key: 1), at: moment(1))
        _ = book.decide(change(.addUnits(1), key: 2), at: moment(1))
        #expect(commit(&book, to: book.last) == ["emptied 7", "stocked 7"])
        _ = book.decide(place(1, by: 2, key: 3), at: moment(1))
        _ = book.decide(change(.addUnits(2), key: 4), at: moment(1))
        _ = book.decide(place(2, by: 3, key: 5), at: moment(1))
        #expect(commit(&book, to: book.last).last == "emptied 7")
    }

    @Test func `a sale whose creation is on its way is not sold out`() {
        var book = Book(partition: .sample)
        _ = book.decide(create(units: 5), at: moment(-1))
        #expect(book.soldOutSales().isEmpty)
        book.commit(to: 1)
        #expect(book.soldOutSales().isEmpty)
        _ = book.decide(create(SaleID(rawValue: 8), units: 1), at: moment(0))
        _ = book.decide(place(1, key: 1, of: SaleID(rawValue: 8)), at: moment(1))
        #expect(book.soldOutSales().isEmpty)
        book.commit(to: 3)
        #expect(book.soldOutSales().map(\.0) == [SaleID(rawValue: 8)])
    }

    // MARK: Looking up

    @Test func `sales are listed oldest first, and no more than asked for`() {
        var book = Book(partition: .sample)
        for number: Int64 in 1...5 {
            _ = book.decide(create(SaleID(rawValue: 10 - number)), at: moment(-1))
        }
        #expect(book.sales(maximum: 3, at: moment(0)).map(\.id.rawValue) == [9, 8, 7])
        #expect(book.saleCount == 5)
    }

    @Test func `a sale's state follows its window and its stock`() {
        var book = Book.selling(units: 1)
        func state(_ seconds: Double) -> Sale.State? { book.sale(sale, .only, at: moment(seconds))?.state }
        #expect(state(-1) == .scheduled)
        #expect(state(1) == .open)
        #expect(state(1_000) == .closed)
        _ = book.decide(place(key: 1), at: moment(1))
        #expect(state(1) == .soldOut)
        #expect(book.sale(SaleID(rawValue: 99), .only, at: moment(1)) == nil)
        #expect(book.order(at: 0) == nil)
        #expect(book.order(at: 1) == nil)
        #expect(book.order(at: 3) == nil)
    }

    // MARK: Our own mistakes

    @Test func `a gap in the sequence traps`() async {
        await #expect(processExitsWith: .failure) {
            var book = Book(partition: Partition(rawValue: 0))
            book.apply(
                Entry(
                    kind: .keyVoided, sequence: 2, sale: SaleID(rawValue: 1), lane: .only,
                    buyer: BuyerID(rawValue: 1), key: RequestKey(rawValue: 1), at: LedgerTime(rawValue: 1)))
        }
    }

    @Test func `taking back what is committed traps`() async {
        await #expect(processExitsWith: .failure) {
            var book = Book(partition: Partition(rawValue: 0))
            book.revertLast()
        }
    }
}
