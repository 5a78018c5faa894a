import SeededTestSupport
import Testing

@testable import Sales

/// Random lives of a book, each step compared with the naive model.
@Suite struct BookSequenceTests {
    @Test(arguments: 1...60) func `a book and the plain reading of its entries agree`(seed: Int) {
        var run = BookRun(seed: UInt64(seed))
        for _ in 0..<250 { run.step() }
        #expect(run.book.last > 5, "seed \(seed) did nothing")
    }
}

private struct BookRun {
    var book = Book(partition: .sample)
    var model = BookModel()
    var random: SeededGenerator
    /// Units per sale that the last commit's calls said are for sale.
    var emptied: Set<SaleID> = []
    var seconds = -5.0
    let sales = (7...9).map { SaleID(rawValue: $0) }

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func step() {
        seconds += Double(random.number(0...200)) / 100
        let now = moment(seconds, error: random.oneIn(15) ? 150_000 : Int64(random.number(0...90_000)))
        let sale = sales[random.number(0...2)]
        if random.oneIn(3) {
            stepLife(now)
            return checkState()
        }
        switch random.number(1...100) {
        case 1...12:
            let request = wait(
                Int32(random.number(1...3)), by: random.number(1...5), key: random.number(1...30), of: sale)
            check(model.answer(to: request, at: now), book.decide(request, at: now))
        case 13...20:
            let expected = model.nextStep(at: now)
            let entry = book.tendWaiting(now)
            #expect(entry?.kind == expected?.kind && entry?.about == expected?.wait)
            if let entry { model.append(entry) }
        case 21...45:
            let request = place(
                Int32(random.number(1...4)), by: random.number(1...5), key: random.number(1...30), of: sale)
            check(model.answer(to: request, at: now), book.decide(request, at: now))
        case 46...55:
            let request = settle(by: random.number(1...5), key: random.number(1...30), of: sale)
            check(model.answer(to: request), book.decide(request, at: now))
        case 56...70:
            let changes: [ChangeSale.Change] = [
                .open, .close, .addUnits(Int32(random.number(1...6))), .open, .pause, .resume, .resume,
                .withdrawUnits(Int32(random.number(1...3))),
            ]
            let request = change(changes[random.number(0...7)], key: random.number(1...25), of: sale)
            check(model.answer(to: request, at: now), book.decide(request, at: now))
        case 71...78:
            let units = Int32(random.number(3...4))
            let request = create(
                sale, units: units, limit: 4, key: key(100 + random.number(0...1)),
                hold: sale.rawValue == 7 ? nil : sale.rawValue == 8 ? 20 : 100, payment: 5)
            check(model.answer(to: request, at: now), book.decide(request, at: now))
        case 79...92:
            let target = Int64(random.number(Int(book.committed)...Int(book.last)))
            book.commit(
                to: target, emptied: { sale, _ in emptied.insert(sale) },
                stocked: { sale, _ in emptied.remove(sale) })
            model.commit(to: Int(target))
        default:
            let target = random.number(Int(book.committed)...Int(book.last))
            book.revert(to: Int64(target))
            model.revert(to: target)
        }
        checkState()
    }

    /// Something happens to one of the orders, or to what is none.
    private mutating func stepLife(_ now: LedgerInstant) {
        let orders = model.entries.filter { $0.kind == .orderPlaced }
        let chosen = orders.isEmpty || random.oneIn(20) ? nil : orders[random.number(0...orders.count - 1)]
        let sequence = chosen?.sequence ?? Int64(random.number(0...40))
        let owner = random.oneIn(15) ? random.number(1...5) : Int(chosen?.buyer.rawValue ?? 1)
        let attempt = 2_000 + random.number(0...2)
        switch random.number(1...10) {
        case 1:
            let request = cancel(sequence, by: owner, key: random.number(3_000...3_900))
            check(model.answer(to: request), book.decide(request, at: now))
        case 2...4:
            let request = begin(sequence, by: owner, attempt: attempt)
            check(model.answer(to: request, at: now), book.decide(request, at: now))
        case 5...8:
            let outcomes = RecordPayment.Outcome.allCases
            let request = record(outcomes[random.number(0...2)], sequence, attempt: attempt)
            check(model.answer(to: request, at: now), book.decide(request, at: now))
        default:
            let expected = model.overdue(now)
            guard now.error <= 100_000 else { return #expect(book.overdueOrder(now) == nil) }
            guard let order = book.overdueOrder(now) else { return #expect(expected.isEmpty) }
            #expect(expected.contains(order))
            model.append(book.expire(order, at: now))
        }
    }

    private mutating func check(_ expected: BookModel.Answer, _ decision: Decision) {
        switch decision {
        case .entry(let entry):
            #expect(expected == .new(entry.kind))
            #expect(entry.sequence == Int64(model.entries.count + 1))
            model.append(entry)
        case .existing(let sequence):
            #expect(expected == .existing(sequence))
        case .refused(let refusal):
            #expect(expected == .refused(refusal))
        }
    }

    private func checkState() {
        #expect(book.last == Int64(model.entries.count))
        #expect(book.committed == Int64(model.committed))
        #expect(Set(book.soldOutSales().map(\.0)) == Set(model.soldOut()))
        #expect(emptied == Set(model.soldOut()))
        for sale in sales {
            guard let seen = book.sale(sale, .only, at: moment(seconds)) else {
                #expect(model.terms(of: sale) == nil)
                continue
            }
            // P1: units of live orders and units left are the units ever added, and none is missing.
            #expect(seen.added == model.added(to: sale))
            #expect(seen.left == model.left(of: sale))
            #expect(seen.left >= 0)
            #expect(seen.held == model.unpaid(of: sale))
            #expect(seen.orders == Int64(model.orders(of: sale).count))
            #expect(seen.terms == model.terms(of: sale))
            let waits = model.waits(for: sale)
            #expect(seen.waiting == Int64(waits.count))
            for (ahead, wait) in waits.enumerated() {
                #expect(
                    book.wait(at: wait.sequence) == .waiting(ahead: Int64(ahead), of: Int64(waits.count)))
            }
            for wait in model.entries(of: sale) where wait.kind == .waitBegun && model.isOver(wait) {
                let end = model.entries.first { $0.about == wait.sequence }
                switch book.wait(at: wait.sequence) {
                case .offered(let order)?:
                    #expect(end?.kind == .orderPlaced && order.id.sequence == end?.sequence)
                case .ended(.givenUp)?: #expect(end?.kind == .keyVoided)
                case .ended(.overLimit)?: #expect(end?.kind == .waitOverLimit)
                case .ended(.saleClosed)?: #expect(end?.kind == .waitClosed)
                case let other: Issue.record("wait \(wait.sequence) is \(String(describing: other))")
                }
            }
            var looking = book
            looking.refreshOutlook(sale, .only)
            #expect(
                looking.outlook(sale, .only)
                    == Outlook(
                        held: model.unpaid(of: sale),
                        next: model.orders(of: sale).compactMap { model.until(of: $0) }.min(),
                        waiting: Int64(waits.count)))
            // P3 and P4.
            let orders = model.orders(of: sale)
            for order in orders {
                let shown = book.order(at: order.sequence)
                #expect(shown?.state == model.state(of: order))
                #expect(shown?.until == model.until(of: order))
                #expect(shown.map(\.version) == Int32(1 + model.happened(to: order).count))
            }
            #expect(Set(orders.map { "\($0.buyer)/\($0.key.rawValue)" }).count == orders.count)
            for number in 1...5 {
                let held = model.held(by: buyer(number), of: sale)
                #expect(held <= seen.terms.limit)
                #expect(
                    book.stockIndex(sale, .only).map { book.units(heldBy: buyer(number), in: $0) } == held)
            }
        }
    }
}
