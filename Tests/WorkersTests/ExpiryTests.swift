import Ledger
import Methods
import Sales
import Testing
import Wire

@testable import Workers

/// Holds that run out, and what the ledger makes of them.
@Suite struct ExpiryTests {
    private var scene = Scene()

    init() { scene.ownSale(units: 4, hold: 5) }

    private func state(_ order: Int64) -> Order.State? {
        scene.core.partitions[0].book.order(at: order)?.state
    }

    /// Time passes with all that is decided committing, but for transactions that hold what is refused.
    private mutating func live(_ amount: TimeAmount, refusing isBad: (Entry) -> Bool = { _ in false }) {
        let end = scene.now + amount
        while scene.now < end {
            scene.live(.milliseconds(50))
            while let batches = scene.send() {
                if batches.contains(where: { $0.entries.contains(where: isBad) }) {
                    scene.core.refused(scene.now)
                } else {
                    scene.core.committed(sent: scene.now, scene.now)
                }
            }
        }
    }

    @Test mutating func `a hold that runs out frees its units by itself, and opens the gate`() {
        _ = scene.order(buyer: 1, quantity: 4)
        scene.commit()
        #expect(!scene.core.partitions[0].soldOut.isEmpty)
        live(.seconds(4))
        #expect(state(2) == .reserved)
        live(.seconds(2))
        #expect(state(2) == .expired && scene.core.partitions[0].book.committed == 3)
        #expect(scene.core.partitions[0].soldOut.isEmpty)
        live(.milliseconds(500))
        #expect(scene.core.closedGates(scene.now).isEmpty)
    }

    @Test mutating func `who comes before the timer finds the units that it would have freed`() {
        _ = scene.order(buyer: 1, quantity: 4)
        scene.commit()
        _ = scene.answers()
        scene.wait(.milliseconds(5_100))
        scene.check()
        let order = scene.order(buyer: 2, quantity: 4)
        let batch = scene.send()
        #expect(batch?[0].entries.map(\.kind) == [.orderExpired, .orderPlaced])
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [order: .order(4)])
    }

    @Test mutating func `an expiry that did not commit is decided again`() {
        _ = scene.order(buyer: 1)
        scene.commit()
        scene.live(.seconds(6))
        #expect(scene.send() != nil)
        scene.core.failed(isOutage: false, scene.now)
        #expect(state(2) == .reserved)
        live(.milliseconds(100))
        #expect(state(2) == .expired)
    }

    /// Found by the simulator: the holds came along with each try, so that the offender was never alone.
    @Test mutating func `a request that cannot be stored is found although holds have run out`() {
        for buyer in 1...3 { _ = scene.order(buyer: Int64(buyer)) }
        scene.commit()
        _ = scene.answers()
        scene.live(.milliseconds(4_950))
        scene.wait(.milliseconds(100))
        scene.check()
        let bad = scene.order(buyer: 9)
        live(.seconds(1)) { $0.buyer.rawValue == 9 && $0.kind == .orderPlaced }
        #expect(scene.replies() == [bad: .broken])
        #expect((2...4).allSatisfy { state($0) == .expired })
    }

    @Test mutating func `an expiry that cannot be stored is left, and holds up no other and no order`() {
        for buyer in 1...3 { _ = scene.order(buyer: Int64(buyer)) }
        scene.commit()
        _ = scene.answers()
        scene.live(.milliseconds(5_100))
        let order = scene.order(buyer: 8)
        live(.seconds(1)) { $0.about == 3 }
        guard case .order? = scene.replies()[order] else {
            Issue.record("the order was not placed")
            return
        }
        #expect(state(2) == .expired && state(3) == .reserved && state(4) == .expired)
        #expect(scene.core.suspects.isEmpty)
    }

    @Test mutating func `whoever takes over gives holds that ran out meanwhile a little more time`() {
        var other = Scene { $0.holdGrace = .seconds(2) }
        var entries = [other.sale(hold: 5)]
        entries.append(
            Entry(
                kind: .orderPlaced, sequence: 2, sale: SaleID(rawValue: 7), lane: .only,
                buyer: BuyerID(rawValue: 1), key: RequestKey(rawValue: 1), quantity: 1, at: other.ledgerTime))
        other.wait(.seconds(60))
        other.check()
        other.own(entries: entries)
        other.live(.milliseconds(1_900))
        #expect(other.core.partitions[0].book.order(at: 2)?.state == .reserved)
        other.live(.milliseconds(300))
        #expect(other.core.partitions[0].book.order(at: 2)?.state == .expired)
    }

    @Test mutating func `payments are begun, told of and listed by the owner`() {
        _ = scene.order(buyer: 1)
        scene.commit()
        _ = scene.answers()
        let (order, attempt) = (
            OrderID(partition: Partition(rawValue: 0), sequence: 2), RequestKey(rawValue: 77)
        )
        let begun = scene.ask(
            .beginPayment(BeginPayment(order: order, buyer: BuyerID(rawValue: 1), attempt: attempt)))
        let early = scene.ask(.listPayments(nil))
        #expect(scene.answers().isEmpty, "nobody hears of it before it has committed")
        scene.commit()
        let open = UnsettledPayment(order: 2, attempt: attempt, isOwed: false)
        #expect(scene.replies() == [begun: .order(2), early: .payments([open])])
        let taken = scene.ask(.recordPayment(RecordPayment(order: order, attempt: attempt, outcome: .taken)))
        scene.commit()
        let none = scene.ask(.listPayments(nil))
        #expect(scene.replies() == [taken: .order(2), none: .payments([])])
        live(.seconds(10))
        #expect(state(2) == .paid)
    }
}
