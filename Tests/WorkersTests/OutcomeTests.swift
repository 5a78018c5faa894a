import Ledger
import Methods
import Sales
import Testing
import Wire

@testable import Workers

/// How a transaction ends, and what becomes of its requests.
@Suite struct OutcomeTests {
    private var scene = Scene()

    init() { scene.ownSale() }

    private var partition: Partition { Partition(rawValue: 0) }

    private var held: WorkerEffect {
        .renewFences([WorkerEffect.HeldFence(partition: partition, fence: Fence(rawValue: 1))])
    }

    // MARK: Nothing was written

    @Test mutating func `a batch that failed drops its layer and all above, and is decided again in order`() {
        let first = scene.order(buyer: 1, quantity: 6)
        let second = scene.order(buyer: 2, quantity: 4)
        _ = scene.send()
        let no = scene.order(buyer: 3)
        let void = scene.settle(buyer: 4)
        scene.core.failed(isOutage: false, scene.now)
        #expect(scene.answers().isEmpty)
        #expect(scene.orders() == 1, "the book is what is committed")
        let batches = scene.send()
        #expect(batches?[0].number == 2, "the number was not used")
        #expect(batches?[0].entries.map(\.buyer.rawValue) == [1, 2, 4])
        scene.core.committed(sent: scene.now, scene.now)
        #expect(
            scene.replies() == [
                first: .order(2), second: .order(3), no: Scene.soldOut, void: .settled(4),
            ])
    }

    @Test mutating func `an outage refuses all of it as not executed`() {
        let first = scene.order(buyer: 1)
        _ = scene.send()
        let second = scene.order(buyer: 2)
        scene.core.failed(isOutage: true, scene.now)
        #expect(scene.replies() == [first: .unavailable(.ledger), second: .unavailable(.ledger)])
        #expect(scene.send() == nil)
        #expect(scene.core.transaction == .none)
        #expect(scene.orders() == 1)
    }

    @Test mutating func `three outages in a row open the breaker`() {
        for buyer in 1...3 {
            _ = scene.order(buyer: Int64(buyer))
            _ = scene.send()
            scene.core.failed(isOutage: true, scene.now)
        }
        _ = scene.answers()
        let order = scene.order(buyer: 9)
        #expect(scene.replies() == [order: .unavailable(.ledger)])
        #expect(scene.send() == nil)
    }

    @Test mutating func `new requests queue behind those that are decided again`() {
        _ = scene.order(buyer: 1, quantity: 10)
        _ = scene.send()
        scene.core.failed(isOutage: false, scene.now)
        let late = scene.order(buyer: 2)
        #expect(scene.answers().isEmpty)
        scene.commit()
        #expect(scene.replies()[late] == Scene.soldOut)
    }

    @Test mutating func `who cancels before being decided gets no answer`() {
        let first = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.cancel(first)
        scene.core.failed(isOutage: false, scene.now)
        let second = scene.order(buyer: 2)
        scene.core.cancel(first)
        scene.commit()
        #expect(scene.replies() == [second: .order(2)])
    }

    @Test mutating func `what was decided too long ago is refused until the clock is known anew`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.stale(scene.now)
        #expect(scene.core.clock == nil)
        #expect(scene.send() == nil)
        #expect(scene.replies() == [order: .unavailable(.stale)])
        scene.check()
        let again = scene.order(buyer: 1)
        scene.commit()
        #expect(scene.replies() == [again: .order(2)])
    }

    // MARK: One entry cannot be stored

    @Test(arguments: [1, 2, 3, 4, 7, 8])
    func `halves find the one that cannot be stored, the rest commits`(bad: Int64) {
        var scene = scene
        let orders = (1...8).map { scene.order(buyer: Int64($0)) }
        var replies: [ReplyAddress: Reply] = [:]
        var transactions = 0
        while let batches = scene.send() {
            transactions += 1
            if batches.contains(where: { $0.entries.contains { $0.buyer.rawValue == bad } }) {
                scene.core.refused(scene.now)
            } else {
                scene.core.committed(sent: scene.now, scene.now)
            }
            replies.merge(scene.replies()) { _, _ in fatalError("answered twice") }
        }
        #expect(replies.count == 8)
        #expect(replies[orders[Int(bad) - 1]] == .broken)
        #expect(replies.values.count { $0 == .broken } == 1)
        #expect(scene.core.partitions[0].book.committed == 8)
        #expect(transactions <= 12)
        #expect(scene.core.againLimit == scene.core.configuration.maximumEntries)
        #expect(scene.effects().contains(.note(.offender)))
    }

    @Test mutating func `two that cannot be stored are both found`() {
        let orders = (1...8).map { scene.order(buyer: Int64($0)) }
        scene.run { batches in
            let bad = batches.contains { $0.entries.contains { [3, 4].contains($0.buyer.rawValue) } }
            return bad ? .refused : .committed
        }
        let replies = scene.replies()
        #expect(replies[orders[2]] == .broken)
        #expect(replies[orders[3]] == .broken)
        #expect(replies.values.count { $0 == .broken } == 2)
        #expect(scene.core.partitions[0].book.committed == 7)
    }

    @Test mutating func `a duplicate of an offender is an offender`() {
        let (one, two) = (scene.order(buyer: 1), scene.order(buyer: 1))
        scene.run { _ in .refused }
        #expect(scene.replies() == [one: .broken, two: .broken])
    }

    @Test mutating func `the offender is found across partitions`() {
        scene.own(1, entries: [scene.sale()])
        let (good, bad) = (scene.order(buyer: 1), scene.order(buyer: 2, of: 1))
        scene.run { $0.contains { $0.partition.rawValue == 1 } ? .refused : .committed }
        #expect(scene.replies() == [good: .order(2), bad: .broken])
    }

    @Test mutating func `those that make no entry do not hold up the search`() {
        let yes = scene.order(buyer: 1, quantity: 10)
        _ = scene.order(buyer: 2)
        _ = scene.order(buyer: 3)
        let void = scene.settle(buyer: 4)
        _ = scene.send()
        scene.core.refused(scene.now)
        // The first is alone now, the two refusals follow, and the void comes with the third look.
        scene.run { $0.contains { $0.entries.contains { $0.buyer.rawValue == 4 } } ? .refused : .committed }
        let replies = scene.replies()
        #expect(replies.count == 4)
        #expect(replies[yes] == .order(2))
        #expect(replies[void] == .broken)
    }

    // MARK: Fenced

    @Test mutating func `partitions that were not to blame are decided again without the others`() {
        scene.own(1, fence: 5, entries: [scene.sale()])
        let (lost, kept) = (scene.order(buyer: 1), scene.order(buyer: 1, of: 1))
        _ = scene.send()
        scene.core.fenced([partition], scene.now)
        #expect(scene.effects() == [held])
        #expect(scene.send() == nil)
        scene.core.renewed([], sent: scene.now, scene.now)
        scene.core.batchChecked(partition, isCommitted: false, scene.now)
        let next = scene.send()
        #expect(next?.map(\.partition.rawValue) == [1])
        #expect(next?[0].fence.rawValue == 5)
        #expect(next?[0].number == 2)
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [lost: .returned, kept: .order(2)])
    }

    @Test mutating func `fenced although the fence is ours: a new one, and decided again`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.fenced([partition], scene.now)
        scene.renew(fence: 2, batch: 1)
        scene.commit()
        #expect(scene.replies() == [order: .order(2)])
    }

    // MARK: Bounds

    @Test mutating func `a transaction has at most so many entries`() {
        var scene = Scene { $0.maximumEntries = 3 }
        scene.ownSale(units: 100)
        let orders = (1...8).map { scene.order(buyer: Int64($0)) }
        var sizes: [Int] = []
        scene.run {
            sizes.append($0[0].entries.count)
            return .committed
        }
        #expect(sizes == [3, 3, 2])
        #expect(scene.replies().count == orders.count)
    }

    // MARK: The ledger is gone

    @Test mutating func `what has not been sent is refused when the ledger is gone`() {
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        let waiting = scene.order(buyer: 2)
        scene.core.isLedgerReady = false
        scene.tick()
        #expect(scene.replies() == [waiting: .unavailable(.ledger)])
        scene.core.isLedgerReady = true
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [sent: .order(2)])
        #expect(scene.send() == nil)
        #expect(scene.orders() == 2)
    }
}

extension Scene {
    enum Outcome {
        case committed
        case refused
    }

    /// Commits until there is nothing more to commit, with the ledger's word on each transaction.
    mutating func run(_ outcome: ([Batch]) -> Outcome) {
        for _ in 0..<1_000 {
            guard let batches = send() else { return }
            switch outcome(batches) {
            case .committed: core.committed(sent: now, now)
            case .refused: core.refused(now)
            }
        }
        fatalError("transactions without end")
    }
}
