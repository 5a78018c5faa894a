import Testing

@testable import Sales

/// Who waits for units that come back, and who gets them.
@Suite struct BookWaitingTests {
    /// A sale that buyer 1 has bought out in two orders, which are entries 2 and 3.
    static func soldOut(units: Int32 = 4, limit: Int32 = 4, hold: Int32? = 100) -> Book {
        var book = Book.selling(units: units, limit: limit, hold: hold)
        _ = book.decide(place(units / 2, key: 1), at: moment(0))
        _ = book.decide(place(units - units / 2, key: 2), at: moment(0))
        book.commit(to: book.last)
        return book
    }

    private func states(_ book: Book, _ waits: Int64...) -> [WaitState?] { waits.map { book.wait(at: $0) } }

    @Test func `who waits has the place of its entry, and the same one when it asks again`() {
        var book = Self.soldOut()
        #expect(book.decide(wait(by: 2, key: 5), at: moment(1)).sequence == 4)
        #expect(book.decide(wait(by: 3, key: 5), at: moment(1)).sequence == 5)
        #expect(book.decide(wait(by: 2, key: 5), at: moment(2)) == .existing(4))
        #expect(book.decide(wait(2, by: 2, key: 5), at: moment(2)) == .refused(.keyReused))
        #expect(states(book, 4, 5) == [.waiting(ahead: 0, of: 2), .waiting(ahead: 1, of: 2)])
        #expect(book.tendWaiting(moment(2)) == nil, "nothing is free")
    }

    @Test func `units that come back go to the first in line as an order with the key of the wait`() {
        var book = Self.soldOut()
        _ = book.decide(wait(by: 2, key: 5), at: moment(1))
        _ = book.decide(wait(by: 3, key: 6), at: moment(1))
        _ = book.decide(cancel(2), at: moment(2))
        let first = book.tendWaiting(moment(2))
        #expect(first?.kind == .orderPlaced && first?.about == 4 && first?.buyer == buyer(2))
        #expect(first?.key == key(5) && first?.amount == 500)
        #expect(book.tendWaiting(moment(2))?.about == 5)
        #expect(book.tendWaiting(moment(2)) == nil, "nobody waits any more")
        let offered = book.order(at: 7)
        #expect(offered?.until == moment(62).middle, "an offer is held for a minute")
        #expect(states(book, 4) == [offered.map { .offered($0) }])
        #expect(book.decide(place(by: 2, key: 5), at: moment(3)) == .existing(7), "one key, one order")
        #expect(book.decide(wait(by: 2, key: 5), at: moment(3)) == .existing(7))
    }

    @Test func `an offer that nobody answers goes to the next in line`() {
        var book = Self.soldOut()
        _ = book.decide(wait(by: 2, key: 5), at: moment(1))
        _ = book.decide(wait(3, by: 3, key: 6), at: moment(1))
        _ = book.decide(cancel(2), at: moment(2))
        #expect(book.tendWaiting(moment(2))?.buyer == buyer(2))
        #expect(book.overdueOrder(moment(61)) == nil)
        #expect(book.overdueOrder(moment(62)) == 7)
        _ = book.expire(7, at: moment(62))
        #expect(book.tendWaiting(moment(62)) == nil, "who wants three waits for three")
        _ = book.decide(cancel(3), at: moment(62))
        #expect(book.tendWaiting(moment(62))?.buyer == buyer(3))
    }

    @Test func `an order for ever is offered for ever`() {
        var book = Self.soldOut(hold: nil)
        _ = book.decide(wait(by: 2, key: 5), at: moment(1))
        _ = book.decide(cancel(2), at: moment(2))
        #expect(book.tendWaiting(moment(2)) != nil)
        #expect(book.order(at: 6)?.until == nil)
    }

    @Test func `who wants more than there is waits on and is overtaken`() {
        var book = Self.soldOut()
        _ = book.decide(wait(3, by: 2, key: 5), at: moment(1))
        _ = book.decide(wait(2, by: 3, key: 6), at: moment(1))
        _ = book.decide(cancel(2), at: moment(2))
        #expect(book.tendWaiting(moment(2))?.buyer == buyer(3))
        #expect(states(book, 4) == [.waiting(ahead: 0, of: 1)])
    }

    @Test func `while anyone waits nobody else buys, and late money goes back`() {
        var book = Self.soldOut(hold: 10)
        _ = book.decide(begin(2, attempt: 40), at: moment(1))
        _ = book.decide(wait(3, by: 2, key: 5), at: moment(1))
        #expect(book.overdueOrder(moment(500)) != nil)
        while let order = book.overdueOrder(moment(500)) { _ = book.expire(order, at: moment(500)) }
        _ = book.decide(change(.withdrawUnits(2), key: 70), at: moment(500))
        #expect(book.decide(place(by: 3, key: 9), at: moment(500)) == .refused(.waitersFirst))
        guard case .entry(let entry) = book.decide(record(.taken, 2, attempt: 40), at: moment(500)) else {
            Issue.record("late money is decided")
            return
        }
        #expect(entry.kind == .refundBegun)
    }

    @Test func `a buyer waits for no more than the sale allows, and is judged again when it is served`() {
        var book = Self.soldOut(limit: 4)
        #expect(
            book.decide(wait(by: 1, key: 5), at: moment(1)) == .refused(.overLimit(limit: 4, held: 4)))
        _ = book.decide(wait(3, by: 2, key: 5), at: moment(1))
        #expect(
            book.decide(wait(2, by: 2, key: 6), at: moment(1)) == .refused(.overLimit(limit: 4, held: 3)))
        _ = book.decide(wait(by: 3, key: 7), at: moment(1))
        _ = book.decide(change(.limit(2), key: 70), at: moment(1))
        _ = book.decide(change(.addUnits(4), key: 71), at: moment(1))
        #expect(book.tendWaiting(moment(2))?.kind == .waitOverLimit)
        #expect(states(book, 4) == [.ended(.overLimit)])
        #expect(book.tendWaiting(moment(2))?.buyer == buyer(3))
    }

    @Test func `a wait ends with its sale, with its time, and when its key is settled`() {
        var book = Self.soldOut()
        for number in 2...4 { _ = book.decide(wait(by: number, key: 5), at: moment(1)) }
        let settled = book.decide(settle(by: 3, key: 5), at: moment(2))
        #expect(settled.sequence == 7)
        #expect(book.decide(settle(by: 3, key: 5), at: moment(2)) == .existing(7))
        #expect(book.decide(wait(by: 3, key: 5), at: moment(2)) == .refused(.keyVoided))
        #expect(states(book, 4, 5) == [.waiting(ahead: 0, of: 2), .ended(.givenUp)])

        var late = book
        let end = 1 + Double(Bounds.patience)
        late.sales[0].terms = late.sales[0].terms.with(opensAt: opening, closesAt: nil)
        #expect(late.tendWaiting(moment(end - 1)) == nil)
        #expect(late.tendWaiting(moment(end))?.kind == .waitRanOut)
        #expect(late.wait(at: 4) == .ended(.ranOut))

        _ = book.decide(change(.pause, key: 70), at: moment(3))
        _ = book.decide(cancel(2), at: moment(3))
        #expect(book.tendWaiting(moment(3)) == nil, "a sale that is paused serves nobody")
        _ = book.decide(change(.close, key: 71), at: moment(4))
        #expect(book.tendWaiting(moment(4))?.kind == .waitClosed)
        #expect(book.tendWaiting(moment(4))?.kind == .waitClosed)
        #expect(book.tendWaiting(moment(4)) == nil && !book.hasWaiting)
        #expect(states(book, 4, 6) == [.ended(.saleClosed), .ended(.saleClosed)])
    }

    @Test func `what did not commit leaves every wait where it was`() {
        var book = Self.soldOut()
        for number in 2...4 { _ = book.decide(wait(by: number, key: 5), at: moment(1)) }
        book.commit(to: book.last)
        let before = book.snapshot()
        let waits = states(book, 4, 5, 6)
        _ = book.decide(cancel(2), at: moment(2))
        _ = book.tendWaiting(moment(2))
        _ = book.decide(settle(by: 3, key: 5), at: moment(2))
        _ = book.decide(wait(by: 5, key: 5), at: moment(2))
        _ = book.tendWaiting(moment(2))
        #expect(book.last == 11)
        book.revert(to: 6)
        #expect(book.snapshot() == before && states(book, 4, 5, 6) == waits)
        #expect(book.waitedSales.map(\.sale) == [sale])
    }

    @Test func `a wait that was left aside is nobody's until it is reconsidered`() {
        var book = Self.soldOut()
        for number in 2...3 { _ = book.decide(wait(by: number, key: 5), at: moment(1)) }
        _ = book.decide(cancel(2), at: moment(2))
        book.leaveWaiting(4)
        #expect(book.tendWaiting(moment(2))?.buyer == buyer(3))
        #expect(!book.hasWaiting)
        book.reconsiderWait(4)
        #expect(book.tendWait(4, moment(2))?.buyer == buyer(2))
        #expect(book.tendWait(4, moment(2)) == nil)
    }

    @Test func `a list keeps its order whoever leaves it`() {
        var list = WaitingList()
        var expected: [Int64] = []
        for sequence in 1...5_000 as ClosedRange<Int64> {
            list.insert(.init(sequence: sequence, quantity: sequence % 7 == 0 ? 1 : 2), of: buyer(1))
            expected.append(sequence)
            if sequence % 3 == 0 {
                let gone = expected.remove(at: Int(sequence) * 31 % expected.count)
                let isGone = list.remove(gone, of: buyer(1))
                #expect(isGone)
            }
            if sequence % 2 == 0 { list.remove(expected.removeFirst(), of: buyer(1)) }
        }
        #expect(list.count == expected.count)
        #expect(expected.enumerated().allSatisfy { list.ahead(of: $1) == $0 })
        #expect(list.first?.sequence == expected.first)
        #expect(list.first(fitting: 1)?.sequence == expected.first { $0 % 7 == 0 })
        #expect(list.first(fitting: 0) == nil)
        for sequence in expected { list.remove(sequence, of: buyer(1)) }
        #expect(list.isEmpty && list.units(of: buyer(1)) == 0)
    }

    @Test func `pages of orders cover a sale once, whatever changes between them`() throws {
        var book = Book.selling(units: 100, limit: 100)
        for number in 1...20 { _ = book.decide(place(by: number % 3 + 1, key: number), at: moment(0)) }
        var (found, cursor): ([Int64], Int64?) = ([], 0)
        while let after = cursor {
            let page = try #require(
                book.orders(of: sale, .only, buyer: nil, state: nil, after: after, limit: 4, looks: 3))
            #expect(page.orders.count <= 3)
            found += page.orders
            cursor = page.next
            if let first = found.first { _ = book.decide(cancel(first, by: 2), at: moment(1)) }
        }
        #expect(found == Array(2...21))
        let mine = book.orders(
            of: sale, .only, buyer: buyer(2), state: .reserved, after: 0, limit: 9, looks: 100)
        #expect(mine?.orders == [5, 8, 11, 14, 17, 20] && mine?.next == nil)
        #expect(
            book.orders(
                of: SaleID(rawValue: 1), .only, buyer: nil, state: nil, after: 0, limit: 1, looks: 1) == nil)
    }
}
