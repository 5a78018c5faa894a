import Methods
import Sales
import Testing
import Wire

@testable import Workers

/// What the owner does for those who wait, by itself.
@Suite struct WaitingTests {
    private var scene = Scene()

    init() {
        scene.ownSale(units: 2, hold: 5)
        _ = scene.order(buyer: 1, quantity: 2)
        scene.commit()
        _ = scene.answers()
    }

    private func state(_ wait: Int64) -> WaitState? { scene.core.partitions[0].book.wait(at: wait) }

    @Test mutating func `units that come back are offered in the transaction that frees them`() {
        let wait = scene.waitFor(buyer: 2)
        scene.commit()
        #expect(scene.replies() == [wait: .wait(3, .waiting(ahead: 0, of: 1))])
        _ = scene.cancelOrder(2, buyer: 1, key: 90)
        let batch = scene.send()
        #expect(batch?[0].entries.map(\.kind) == [.orderCancelled, .orderPlaced])
        #expect(batch?[0].entries.last?.about == 3)
        scene.core.committed(sent: scene.now, scene.now)
        _ = scene.answers()
        let again = scene.waitFor(buyer: 2)
        guard case .wait(5, .offered(let order))? = scene.replies()[again] else {
            Issue.record("the wait has led to an order")
            return
        }
        #expect(order.id.sequence == 5 && order.buyer.rawValue == 2)
    }

    @Test mutating func `while anyone waits the gate stays closed, and says why`() {
        _ = scene.waitFor(buyer: 2, quantity: 2)
        scene.commit()
        #expect(scene.core.closedGates(scene.now).map(\.reason) == [.soldOut])
        #expect(scene.core.closedGates(scene.now).first?.outlook?.waiting == 1)
        _ = scene.change(.addUnits(1), key: 50)
        scene.commit()
        #expect(scene.core.closedGates(scene.now).map(\.reason) == [.waitersFirst])
        #expect(scene.core.closedGates(scene.now).map(\.passes) == [0])
        _ = scene.answers()
        let other = scene.order(buyer: 3)
        #expect(scene.replies() == [other: .scarce(.waitersFirst, SaleID(rawValue: 7), .only)])
    }

    @Test mutating func `a gate tells what is held and when the next may return`() {
        scene.tick()
        let outlook = scene.core.closedGates(scene.now).first?.outlook
        #expect(outlook?.held == 2 && outlook?.waiting == 0)
        #expect(outlook?.next == scene.core.partitions[0].book.order(at: 2)?.until)
    }

    @Test mutating func `an offer that did not commit is made again`() {
        _ = scene.waitFor(buyer: 2)
        scene.commit()
        _ = scene.cancelOrder(2, buyer: 1, key: 90)
        _ = scene.send()
        scene.core.failed(isOutage: false, scene.now)
        #expect(state(3) == .waiting(ahead: 0, of: 1))
        let batch = scene.send()
        #expect(batch?[0].entries.map(\.kind) == [.orderCancelled, .orderPlaced])
    }

    @Test
    mutating func `an offer that the ledger refuses is left aside, and the next in line gets the units`() {
        _ = scene.waitFor(buyer: 2)
        _ = scene.waitFor(buyer: 3)
        scene.commit()
        _ = scene.cancelOrder(2, buyer: 1, key: 90)
        for _ in 0..<60 {
            scene.live(.milliseconds(50))
            while let batches = scene.send() {
                let isBad = batches.contains {
                    $0.entries.contains { $0.kind == .orderPlaced && $0.buyer.rawValue == 2 }
                }
                isBad ? scene.core.refused(scene.now) : scene.core.committed(sent: scene.now, scene.now)
            }
        }
        #expect(scene.effects().isEmpty || scene.core.suspects.isEmpty)
        guard case .offered(let order)? = state(4) else {
            Issue.record("buyer 3 waits on: \(String(describing: state(4)))")
            return
        }
        #expect(order.buyer.rawValue == 3)
        #expect(scene.core.partitions[0].book.order(at: 2)?.state == .cancelled)
    }

    @Test mutating func `an offer of a take-over goes on`() {
        var entries = [scene.sale(units: 1, hold: 5)]
        func add(_ kind: Entry.Kind, _ buyer: Int64, about: Int64 = 0, quantity: Int32 = 1) {
            entries.append(
                Entry(
                    kind: kind, sequence: Int64(entries.count + 1), sale: SaleID(rawValue: 7), lane: .only,
                    buyer: BuyerID(rawValue: buyer), key: RequestKey(rawValue: UInt128(buyer)),
                    quantity: quantity, amount: kind == .orderPlaced ? 100 : 0, at: scene.ledgerTime,
                    about: about))
        }
        add(.orderPlaced, 1)
        add(.waitBegun, 2)
        add(.waitBegun, 3)
        add(.orderCancelled, 1, about: 2)
        var next = Scene()
        next.own(entries: entries)
        #expect(next.send()?[0].entries.map(\.about) == [3])
        #expect(next.core.partitions[0].book.wait(at: 4) == .waiting(ahead: 0, of: 1))
    }

    // MARK: Streams

    private mutating func items(_ to: ReplyAddress?) -> [Reply] {
        scene.answers().filter { $0.to == to }.map(\.reply)
    }

    @Test mutating func `a stream tells the place, its changes, the order, and ends`() {
        _ = scene.waitFor(buyer: 2)
        let to = scene.stream(
            .wait(
                WaitOrder(
                    sale: SaleID(rawValue: 7), buyer: BuyerID(rawValue: 3), quantity: 1,
                    key: RequestKey(rawValue: 3))))
        scene.commit()
        // The shell begins the stream with the answer to the call.
        for answer in scene.answers() where answer.to == to {
            guard case .wait(let sequence, _) = answer.reply else { continue }
            let hasBegun = scene.core.beginWatch(.wait(sequence), 0, for: answer.to)
            #expect(hasBegun)
        }
        scene.live(.milliseconds(100))
        #expect(items(to) == [.item(0, .wait(.waiting(ahead: 1, of: 2)))])
        _ = scene.settle(buyer: 2)
        _ = scene.send()
        scene.live(.milliseconds(200))
        #expect(items(to) == [], "it has not committed")
        scene.core.committed(sent: scene.now, scene.now)
        scene.live(.milliseconds(200))
        #expect(items(to) == [.item(1, .wait(.waiting(ahead: 0, of: 1)))])
        _ = scene.cancelOrder(2, buyer: 1, key: 90)
        scene.commit()
        scene.live(.milliseconds(200))
        guard let order = scene.core.partitions[0].book.order(at: 7) else {
            Issue.record("there is an offer")
            return
        }
        #expect(items(to) == [.item(2, .wait(.offered(order))), .ended(3)])
        #expect(scene.core.desk.count == 0)
    }

    @Test mutating func `a reader without credit misses what lies between and is told the newest`() throws {
        let stream = scene.stream(.watch(.order(2, known: 0)))
        let to = try #require(stream)
        _ = items(to)
        _ = scene.core.beginWatch(.order(2, known: 0), 0, for: to)
        for attempt in 0..<20 {
            let order = OrderID(partition: Partition(rawValue: 0), sequence: 2)
            let key = RequestKey(rawValue: UInt128(300 + attempt))
            _ = scene.ask(
                .beginPayment(
                    BeginPayment(order: order, buyer: BuyerID(rawValue: 1), attempt: key)))
            _ = scene.ask(.recordPayment(RecordPayment(order: order, attempt: key, outcome: .failed)))
            scene.commit()
            scene.live(.milliseconds(120))
        }
        let told = scene.answers().filter { $0.to == to }
        #expect(told.count == 16, "as many as a reader takes unasked")
        scene.core.desk.allow(to, 17)
        scene.live(.milliseconds(120))
        guard case .item(16, .order(let update))? = items(to).first else {
            Issue.record("the newest is told")
            return
        }
        #expect(update.order.version == 41 && update.missed > 0)
    }

    @Test mutating func `streams end when the partition goes, and when their broker does`() throws {
        let stream = scene.stream(.watch(.sale(SaleID(rawValue: 7), .only, from: nil)))
        let to = try #require(stream)
        _ = items(to)
        _ = scene.core.beginWatch(.sale(SaleID(rawValue: 7), .only, from: nil), 0, for: to)
        scene.live(.milliseconds(100))
        guard case .item(0, .sale(let update))? = items(to).first else {
            Issue.record("the present state is told at once")
            return
        }
        #expect(update.sale.left == 0 && update.sale.held == 2 && update.sequence == 2 && !update.hasMissed)
        scene.core.lose(0, .leaseTaken, scene.now)
        #expect(items(to) == [.moved(1)])
        #expect(scene.core.desk.count == 0)
        _ = scene.core.desk.open(to)
        scene.core.desk.end(session: Scene.session)
        #expect(scene.core.desk.count == 0)
    }

    @Test mutating func `a worker serves so many streams and no more`() {
        for call in 1...WatchDesk.maximum {
            let isOpen = scene.core.desk.open(ReplyAddress(session: 9, callID: UInt64(call)))
            #expect(isOpen)
        }
        let isOpen = scene.core.desk.open(ReplyAddress(session: 9, callID: 100_000))
        #expect(!isOpen)
    }
}
