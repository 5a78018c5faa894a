import Methods
import Resilience
import Sales
import Testing
import Wire

@testable import Workers

/// No answer, yes or no, leaves before everything it was decided on has committed (design §4).
@Suite struct AnswerTests {
    private var scene = Scene()

    init() { scene.ownSale() }

    @Test mutating func `a yes waits for its commit`() {
        let order = scene.order(buyer: 1)
        #expect(scene.answers().isEmpty)
        let batches = scene.send()
        #expect(batches?.map(\.number) == [2])
        #expect(batches?[0].entries.map(\.sequence) == [2])
        #expect(scene.answers().isEmpty)
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [order: .order(2)])
    }

    @Test mutating func `a no that rests on committed state alone leaves at once`() {
        let order = scene.order(buyer: 1, quantity: 11)
        #expect(scene.replies() == [order: .refused(.overLimit(limit: 10, held: 0))])
        #expect(scene.send() == nil)
    }

    @Test mutating func `a no waits for the layer it was decided on`() {
        let (yes, no) = (scene.order(buyer: 1, quantity: 10), scene.order(buyer: 2))
        #expect(scene.answers().isEmpty)
        scene.commit()
        #expect(scene.replies() == [yes: .order(2), no: Scene.soldOut])
    }

    @Test mutating func `a no waits for the layer on its way, not for the next`() {
        _ = scene.order(buyer: 1, quantity: 10)
        _ = scene.send()
        let no = scene.order(buyer: 2)
        let void = scene.settle(buyer: 3)
        #expect(scene.answers().isEmpty)
        scene.core.committed(sent: scene.now, scene.now)
        let replies = scene.replies()
        #expect(replies[no] == Scene.soldOut)
        #expect(replies[void] == nil)
        scene.commit()
        #expect(scene.replies() == [void: .settled(3)])
    }

    @Test mutating func `a look-up waits for what it shows`() {
        _ = scene.order(buyer: 1, quantity: 4)
        let look = scene.lookUp()
        #expect(scene.answers().isEmpty)
        scene.commit()
        guard case .sale(let sale) = scene.replies()[look] else {
            Issue.record("no sale")
            return
        }
        #expect(sale.left == 6)
    }

    @Test mutating func `a layer that waits rests on the one that is on its way`() {
        let first = scene.order(buyer: 1)
        _ = scene.send()
        let second = scene.order(buyer: 2)
        #expect(scene.send() == nil, "one transaction at a time")
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [first: .order(2)])
        #expect(scene.send()?[0].number == 3)
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [second: .order(3)])
    }

    @Test mutating func `a duplicate of a key in flight joins it`() {
        let (one, two) = (scene.order(buyer: 1), scene.order(buyer: 1))
        let batches = scene.send()
        #expect(batches?[0].entries.count == 1)
        let three = scene.order(buyer: 1)
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [one: .order(2), two: .order(2), three: .order(2)])
    }

    @Test mutating func `a key with other content is refused when the first has committed`() {
        let one = scene.order(buyer: 1, quantity: 1)
        let other = scene.order(buyer: 1, quantity: 2)
        #expect(scene.answers().isEmpty)
        scene.commit()
        #expect(scene.replies() == [one: .order(2), other: .refused(.keyReused)])
    }

    @Test mutating func `a settled key takes no order any more`() {
        let (void, late) = (scene.settle(buyer: 1), scene.order(buyer: 1))
        scene.commit()
        #expect(scene.replies() == [void: .settled(2), late: .refused(.keyVoided)])
        #expect(scene.core.partitions[0].book.order(at: 2) == nil)
    }

    @Test mutating func `partitions of one transaction come in order of their number`() {
        scene.own(2, entries: [scene.sale()])
        _ = scene.order(buyer: 1, of: 2)
        _ = scene.order(buyer: 1, of: 0)
        #expect(scene.send()?.map(\.partition.rawValue) == [0, 2])
    }

    @Test mutating func `what is not ours is returned`() {
        let order = scene.order(buyer: 1, of: 1)
        let beyond = scene.order(buyer: 1, of: Scene.partitions)
        #expect(scene.replies() == [order: .returned, beyond: .returned])
    }

    // MARK: Freshness

    @Test mutating func `a no is good for half a second after the sending of the last check`() {
        scene.wait(.milliseconds(500))
        let still = scene.order(buyer: 1, quantity: 11)
        #expect(scene.replies() == [still: .refused(.overLimit(limit: 10, held: 0))])
        scene.wait(.nanoseconds(1))
        let late = scene.order(buyer: 1, quantity: 11)
        let look = scene.lookUp()
        #expect(scene.replies() == [late: .unavailable(.stale), look: .unavailable(.stale)])
    }

    @Test mutating func `a yes needs no fresh check: the commit is one`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.wait(.milliseconds(900))
        scene.core.committed(sent: scene.now - .milliseconds(800), scene.now)
        #expect(scene.replies() == [order: .order(2)])
        // Judged by when the transaction was sent, not by when its outcome arrived.
        let no = scene.order(buyer: 1, quantity: 10)
        #expect(scene.replies() == [no: .unavailable(.stale)])
    }

    @Test mutating func `a commit makes refusals fresh`() {
        scene.wait(.milliseconds(600))
        _ = scene.order(buyer: 1)
        scene.commit()
        _ = scene.answers()
        let no = scene.order(buyer: 1, quantity: 10, key: 99)
        #expect(scene.replies() == [no: .refused(.overLimit(limit: 10, held: 1))])
    }

    @Test mutating func `a check that was sent earlier does not age a later one`() {
        let early = scene.now
        scene.wait(.milliseconds(400))
        scene.check()
        scene.core.checked([], ledger: scene.ledgerTime, sent: early, scene.now)
        scene.wait(.milliseconds(400))
        let no = scene.order(buyer: 1, quantity: 11)
        #expect(scene.replies() == [no: .refused(.overLimit(limit: 10, held: 0))])
    }

    // MARK: Refusing early

    @Test mutating func `an open breaker refuses at once, and says for how long`() {
        scene.core.breakers.commit.trip(scene.now)
        let wait = scene.core.retryAfter(.ledger, scene.now)
        #expect(wait >= .milliseconds(250) && wait <= .milliseconds(500))
        let order = scene.order(buyer: 1)
        #expect(scene.replies() == [order: .unavailable(.ledger)])
        #expect(scene.send() == nil)
    }

    @Test mutating func `a ledger that is gone refuses at once`() {
        scene.core.isLedgerReady = false
        let order = scene.order(buyer: 1)
        #expect(scene.replies() == [order: .unavailable(.ledger)])
    }

    @Test mutating func `nobody queues behind a transaction that is stuck`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.wait(.seconds(1))
        scene.check()
        let still = scene.order(buyer: 2)
        scene.wait(.nanoseconds(1))
        let late = scene.order(buyer: 3)
        #expect(scene.replies() == [late: .unavailable(.ledger)])
        scene.core.committed(sent: scene.now, scene.now)
        scene.commit()
        #expect(scene.replies()[still] == .order(3))
    }

    @Test mutating func `nobody queues behind an outcome that cannot be resolved`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        let unsent = scene.order(buyer: 2)
        scene.core.unknown(scene.now)
        scene.wait(.seconds(1) + .nanoseconds(1))
        let late = scene.order(buyer: 3)
        scene.core.tick(scene.now)
        #expect(scene.replies() == [late: .unavailable(.ledger), unsent: .unavailable(.ledger)])
    }
}
