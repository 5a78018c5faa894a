import Testing

@testable import Sales

/// What happens to orders after they were placed.
@Suite struct BookLivesTests {
    /// A book with one order of two units, at sequence 2, held for 60 s.
    private func ordered(units: Int32 = 3, hold: Int32? = 60, payment: Int32 = 30) -> Book {
        var book = Book.selling(units: units, hold: hold, payment: payment)
        _ = book.decide(place(2, key: 1), at: moment(0))
        book.commit(to: book.last)
        return book
    }

    private func state(_ book: Book, _ sequence: Int64 = 2) -> Order.State? {
        book.order(at: sequence)?.state
    }
    private func left(_ book: Book) -> Int64? { book.sale(sale, .only, at: moment(1))?.left }

    // MARK: Holds

    @Test func `a hold that runs out gives its units back, and not a moment before`() {
        var book = ordered()
        #expect(book.order(at: 2)?.until == moment(60).middle)
        #expect(book.overdueOrder(moment(59.9)) == nil)
        #expect(book.overdueOrder(moment(60.05, error: 60_000)) == nil, "the clock may be behind")
        #expect(
            book.overdueOrder(moment(61, error: 150_000)) == nil, "a clock that is not known ends nothing")
        #expect(book.overdueOrder(moment(60)) == 2)
        let entry = book.expire(2, at: moment(60))
        #expect(entry.kind == .orderExpired && entry.about == 2 && entry.stockChange == 2)
        #expect(state(book) == .expired && left(book) == 3 && book.order(at: 2)?.version == 2)
        #expect(book.overdueOrder(moment(1_000)) == nil)
        #expect(book.units(heldBy: buyer(1), in: 0) == 0)
        #expect(book.decide(place(2, key: 1), at: moment(61)) == .existing(2), "a yes stays one")
    }

    @Test func `an order without a hold never expires`() {
        var book = ordered(hold: nil)
        #expect(book.overdueOrder(moment(1e9)) == nil)
        _ = book.decide(begin(2, attempt: 50), at: moment(1))
        #expect(book.overdueOrder(moment(30)) == nil)
        #expect(book.overdueOrder(moment(31)) == 2, "but an attempt to pay ends")
    }

    @Test func `an attempt to pay outlasts the hold, but not its own time`() {
        var book = ordered()
        _ = book.decide(begin(2, attempt: 50), at: moment(59))
        #expect(book.overdueOrder(moment(88)) == nil)
        #expect(book.overdueOrder(moment(89)) == 2)
        _ = book.decide(record(.failed, 2, attempt: 50), at: moment(70))
        #expect(state(book) == .reserved)
        #expect(book.overdueOrder(moment(70)) == 2, "the hold had run out meanwhile")
    }

    @Test func `holds that ran out while nobody served go on for a while, and end by themselves`() {
        var book = ordered()
        book.extendOverdue(moment(100), to: moment(110).middle)
        #expect(book.order(at: 2)?.until == moment(110).middle)
        #expect(book.overdueOrder(moment(109)) == nil)
        _ = book.decide(begin(2, attempt: 50), at: moment(105))
        _ = book.decide(record(.failed, 2, attempt: 50), at: moment(106))
        #expect(book.overdueOrder(moment(110)) == 2)
    }

    @Test func `an expiry that cannot be stored is not tried again`() {
        var book = ordered()
        _ = book.expire(2, at: moment(60))
        book.revert(to: book.committed)
        #expect(book.overdueOrder(moment(60)) == 2)
        book.leaveOverdue(2)
        #expect(book.overdueOrder(moment(60)) == nil)
    }

    @Test func `many orders expire in the order of their times, whatever happened between`() {
        var book = Book.selling(units: 1_000, limit: 1_000, hold: 60)
        for number in 1...100 {
            _ = book.decide(place(1, by: number, key: number), at: moment(Double((number * 37) % 100)))
        }
        for number in stride(from: 1, through: 100, by: 3) {
            _ = book.decide(begin(Int64(number) + 1, by: number, attempt: 5_000), at: moment(10))
        }
        var times: [LedgerTime] = []
        while let order = book.overdueOrder(moment(1_000)) {
            times.append(book.order(at: order)!.until!)
            _ = book.expire(order, at: moment(1_000))
        }
        #expect(times.count == 100 && times == times.sorted())
        #expect(book.sale(sale, .only, at: moment(1))?.left == 1_000)
    }

    // MARK: Paying

    @Test func `money that comes in time pays, once`() {
        var book = ordered()
        #expect(book.decide(begin(2, attempt: 50), at: moment(1)).sequence == 3)
        #expect(book.decide(begin(2, attempt: 50), at: moment(1)) == .existing(2))
        #expect(book.decide(begin(2, attempt: 51), at: moment(1)) == .refused(.wrongState(.paying)))
        #expect(
            book.unsettledPayments(after: nil, maximum: 9)
                == [UnsettledPayment(order: 2, attempt: key(50), isOwed: false)])
        #expect(book.decide(record(.taken, 2, attempt: 50), at: moment(2)).sequence == 4)
        #expect(book.decide(record(.taken, 2, attempt: 50), at: moment(2)) == .existing(2))
        #expect(state(book) == .paid && book.order(at: 2)?.attempt == key(50))
        #expect(book.unsettledPayments(after: nil, maximum: 9) == [])
        #expect(book.overdueOrder(moment(1_000)) == nil)
        #expect(book.decide(begin(2, attempt: 52), at: moment(3)) == .refused(.wrongState(.paid)))
        #expect(book.decide(record(.failed, 2, attempt: 50), at: moment(3)) == .refused(.wrongState(.paid)))
        #expect(book.decide(cancel(2), at: moment(3)) == .refused(.wrongState(.paid)))
    }

    @Test func `money for an order that expired buys it again while there are units, else it goes back`() {
        for isSold in [false, true] {
            var book = ordered()
            _ = book.decide(begin(2, attempt: 50), at: moment(59))
            _ = book.expire(2, at: moment(90))
            if isSold { _ = book.decide(place(2, by: 2, key: 9), at: moment(91)) }
            let decision = book.decide(record(.taken, 2, attempt: 50), at: moment(92))
            guard case .entry(let entry) = decision else {
                Issue.record("\(decision)")
                return
            }
            #expect(entry.kind == (isSold ? .refundBegun : .paymentTakenLate))
            #expect(state(book) == (isSold ? .refunding : .paid) && left(book) == 1)
            guard isSold else { continue }
            #expect(book.unsettledPayments(after: nil, maximum: 9).map(\.isOwed) == [true])
            #expect(book.decide(record(.refunded, 2, attempt: 50), at: moment(93)).sequence == book.last)
            #expect(state(book) == .refunded && left(book) == 1, "its units had gone back before")
        }
    }

    @Test
    func `money of an attempt that was called failed has the order while it is free, else it goes back`() {
        var book = ordered()
        _ = book.decide(begin(2, attempt: 50), at: moment(1))
        _ = book.decide(record(.failed, 2, attempt: 50), at: moment(2))
        #expect(book.decide(begin(2, attempt: 50), at: moment(2)) == .refused(.wrongState(.reserved)))
        _ = book.decide(begin(2, attempt: 51), at: moment(3))
        _ = book.decide(record(.taken, 2, attempt: 51), at: moment(4))
        _ = book.decide(record(.taken, 2, attempt: 50), at: moment(5))
        #expect(state(book) == .paid && book.order(at: 2)?.attempt == key(51))
        #expect(
            book.unsettledPayments(after: nil, maximum: 9)
                == [UnsettledPayment(order: 2, attempt: key(50), isOwed: true)])
        _ = book.decide(record(.refunded, 2, attempt: 50), at: moment(6))
        #expect(state(book) == .paid && book.unsettledPayments(after: nil, maximum: 9) == [])
    }

    @Test func `what an operator revokes is cancelled or refunded, with who and why`() {
        let revoke = RevokeOrder(order: order(2), key: key(77), actor: "ada", reason: "wrong price")
        var free = ordered()
        guard case .entry(let cancelled) = free.decide(revoke, at: moment(1)) else {
            Issue.record("not cancelled")
            return
        }
        #expect(cancelled.kind == .orderCancelled && cancelled.note?.actor == "ada")
        #expect(free.decide(revoke, at: moment(1)) == .existing(2))
        var paid = ordered()
        _ = paid.decide(begin(2, attempt: 50), at: moment(1))
        #expect(paid.decide(revoke, at: moment(1)) == .refused(.wrongState(.paying)))
        _ = paid.decide(record(.taken, 2, attempt: 50), at: moment(2))
        _ = paid.decide(revoke, at: moment(3))
        #expect(state(paid) == .refunding && left(paid) == 1, "its units are back when its money is")
        _ = paid.decide(record(.refunded, 2, attempt: 50), at: moment(4))
        #expect(state(paid) == .refunded && left(paid) == 3)
    }

    @Test func `what is not an order, or another buyer's, is refused`() {
        var book = ordered()
        #expect(book.decide(cancel(1), at: moment(1)) == .refused(.unknownOrder))
        #expect(book.decide(cancel(99), at: moment(1)) == .refused(.unknownOrder))
        #expect(book.decide(cancel(2, by: 2), at: moment(1)) == .refused(.unknownOrder))
        #expect(book.decide(begin(2, by: 2, attempt: 50), at: moment(1)) == .refused(.unknownOrder))
        #expect(book.decide(begin(2, attempt: 0), at: moment(1)) == .refused(.badField("attempt")))
        #expect(book.decide(record(.taken, 2, attempt: 50), at: moment(1)) == .refused(.unknownAttempt))
        #expect(book.decide(record(.taken, 99, attempt: 50), at: moment(1)) == .refused(.unknownOrder))
        _ = book.decide(place(1, key: 2), at: moment(1))
        _ = book.decide(begin(2, attempt: 50), at: moment(1))
        #expect(book.decide(begin(3, attempt: 50), at: moment(1)) == .refused(.keyReused))
        #expect(book.decide(record(.taken, 3, attempt: 50), at: moment(1)) == .refused(.unknownAttempt))
    }

    @Test func `unsettled payments are told of in pages`() {
        var book = Book.selling(units: 100, limit: 100, hold: 60)
        for number in 1...10 {
            _ = book.decide(place(1, key: number), at: moment(0))
            _ = book.decide(begin(book.last, attempt: 500 + number), at: moment(1))
        }
        var seen: [UnsettledPayment] = []
        while case let page = book.unsettledPayments(after: seen.last, maximum: 3), !page.isEmpty {
            seen += page
        }
        #expect(seen.count == 10 && seen == seen.sorted())
    }

    // MARK: Sales

    @Test func `a paused sale sells nothing and goes on where it was`() {
        var book = Book.selling()
        _ = book.decide(change(.pause, key: 1), at: moment(1))
        #expect(book.decide(place(key: 2), at: moment(2)) == .refused(.paused))
        #expect(book.sale(sale, .only, at: moment(2))?.state == .paused)
        _ = book.decide(change(.resume, key: 3), at: moment(3))
        #expect(book.decide(place(key: 2), at: moment(4)).sequence != nil)
    }

    @Test func `units that are left can be withdrawn, and no others`() {
        var book = Book.selling(units: 5)
        _ = book.decide(place(2, key: 1), at: moment(1))
        #expect(
            book.decide(change(.withdrawUnits(4), key: 2), at: moment(1)) == .refused(.notEnough(left: 3)))
        #expect(book.decide(change(.withdrawUnits(3), key: 3), at: moment(1)).sequence == 3)
        #expect(book.decide(place(key: 4), at: moment(1)) == .refused(.soldOut))
        #expect(book.sale(sale, .only, at: moment(1))?.added == 2)
    }

    @Test func `another limit holds for whoever comes, and takes nothing from anybody`() {
        var book = Book.selling(limit: 3)
        _ = book.decide(place(3, key: 1), at: moment(1))
        _ = book.decide(change(.limit(1), key: 2), at: moment(1))
        #expect(book.decide(place(key: 3), at: moment(1)) == .refused(.overLimit(limit: 1, held: 3)))
        #expect(
            book.decide(place(2, by: 2, key: 4), at: moment(1)) == .refused(.overLimit(limit: 1, held: 0)))
        #expect(book.decide(change(.limit(0), key: 5), at: moment(1)) == .refused(.badField("limit")))
        #expect(book.decide(change(.limit(2), key: 2), at: moment(1)) == .refused(.keyReused))
    }

    // MARK: Taking back

    @Test func `each entry about an order taken back leaves the book as it was`() {
        var book = Book.selling(hold: 60, payment: 30)
        _ = book.decide(place(2, key: 1), at: moment(0))
        let steps: [(inout Book) -> Void] = [
            { _ = $0.decide(begin(2, attempt: 50), at: moment(1)) },
            { _ = $0.decide(record(.failed, 2, attempt: 50), at: moment(2)) },
            { _ = $0.decide(begin(2, attempt: 51), at: moment(3)) },
            { _ = $0.expire(2, at: moment(90)) },
            { _ = $0.decide(record(.taken, 2, attempt: 51), at: moment(91)) },
            { _ = $0.decide(record(.taken, 2, attempt: 50), at: moment(92)) },
            { _ = $0.decide(record(.refunded, 2, attempt: 50), at: moment(93)) },
            { _ = $0.decide(change(.withdrawUnits(1), key: 60), at: moment(94)) },
            { _ = $0.decide(change(.pause, key: 61), at: moment(95)) },
            { _ = $0.decide(change(.limit(9), key: 62), at: moment(96)) },
        ]
        var snapshots: [Book.Snapshot] = []
        for step in steps {
            snapshots.append(book.snapshot())
            let before = book.last
            step(&book)
            #expect(book.last == before + 1)
        }
        while let snapshot = snapshots.popLast() {
            book.revertLast()
            #expect(book.snapshot() == snapshot)
        }
        #expect(book.overdueOrder(moment(60)) == 2, "what was put back runs out, too")
    }
}
