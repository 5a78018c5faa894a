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
                first: .order(2), second: .order(3), no: .refused(.soldOut), void: .settled(4),
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
        #expect(scene.replies()[late] == .refused(.soldOut))
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

    // MARK: Unknown

    @Test mutating func `an unknown outcome is resolved by new fences: committed`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.unknown(scene.now)
        #expect(scene.effects() == [held])
        #expect(scene.answers().isEmpty)
        scene.renew(fence: 2, batch: 2)
        #expect(scene.replies() == [order: .order(2)])
        #expect(scene.core.transaction == .none)
        #expect(
            scene.effects() == [.own(partition), .note(.resolved(partition, committed: true))],
            "brokers must hear of the new fence")
        _ = scene.order(buyer: 2)
        let next = scene.send()
        #expect(next?[0].fence.rawValue == 2)
        #expect(next?[0].number == 3)
    }

    @Test mutating func `an unknown outcome is resolved by new fences: not committed`() {
        let first = scene.order(buyer: 1)
        _ = scene.send()
        let second = scene.order(buyer: 2)
        scene.core.unknown(scene.now)
        scene.renew(fence: 2, batch: 1)
        #expect(scene.answers().isEmpty)
        let next = scene.send()
        #expect(next?[0].fence.rawValue == 2)
        #expect(next?[0].number == 2, "the number is free again")
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [first: .order(2), second: .order(3)])
    }

    @Test(arguments: [true, false])
    func `not ours any more: the batch itself says how it ended, never a refusal`(isCommitted: Bool) {
        var scene = scene
        let first = scene.order(buyer: 1, quantity: 10)
        _ = scene.send()
        let second = scene.order(buyer: 2)
        scene.core.unknown(scene.now)
        let above = scene.settle(buyer: 3)
        _ = scene.effects()
        scene.core.renewed([], sent: scene.now, scene.now)
        #expect(scene.effects() == [.checkBatch(partition, batch: 2, Fence(rawValue: 1))])
        #expect(scene.answers().isEmpty)
        scene.core.batchChecked(partition, isCommitted: isCommitted, scene.now)
        let replies = scene.replies()
        #expect(replies[first] == (isCommitted ? .order(2) : .returned))
        #expect(replies[second] == (isCommitted ? .refused(.soldOut) : .returned))
        #expect(replies[above] == .returned)
        #expect(scene.phase() == .idle)
        #expect(scene.effects().contains(.disown(partition, Fence(rawValue: 1))))
        #expect(scene.core.transaction == .none)
    }

    @Test mutating func `nothing is sent while an outcome is unknown`() {
        scene.own(1, entries: [scene.sale()])
        _ = scene.order(buyer: 1)
        _ = scene.send()
        _ = scene.order(buyer: 1, of: 1)
        scene.core.unknown(scene.now)
        #expect(scene.send() == nil)
        scene.renew(fence: 2, batch: 2)
        #expect(scene.send()?.map(\.partition.rawValue) == [1])
    }

    @Test mutating func `the question waits for the ledger, and is asked again when it fails`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.isLedgerReady = false
        scene.core.unknown(scene.now)
        scene.tick()
        #expect(!scene.effects().contains(held))
        scene.core.isLedgerReady = true
        scene.tick()
        #expect(scene.effects() == [held])
        scene.tick()
        #expect(scene.effects().isEmpty, "asked once")
        scene.core.resolutionFailed()
        scene.tick()
        #expect(scene.effects() == [held])
    }

    @Test mutating func `when the batch could not be looked up everything is asked again`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.unknown(scene.now)
        scene.core.renewed([], sent: scene.now, scene.now)
        scene.core.resolutionFailed()
        _ = scene.effects()
        scene.tick()
        #expect(scene.effects() == [held], "under the same fence")
        scene.core.renewed([], sent: scene.now, scene.now)
        scene.core.batchChecked(partition, isCommitted: true, scene.now)
        #expect(scene.replies() == [order: .order(2)])
    }

    @Test mutating func `two questions that fail lead to one new question`() {
        scene.own(1, entries: [scene.sale()])
        let orders = [scene.order(buyer: 1), scene.order(buyer: 1, of: 1)]
        _ = scene.send()
        scene.core.unknown(scene.now)
        scene.core.renewed([], sent: scene.now, scene.now)
        _ = scene.effects()
        scene.core.resolutionFailed()
        scene.tick()
        #expect(scene.effects().isEmpty, "the other question is still open")
        scene.core.resolutionFailed()
        scene.tick()
        #expect(scene.effects().count == 1)
        scene.core.renewed([], sent: scene.now, scene.now)
        for index in 0...1 {
            scene.core.batchChecked(Partition(rawValue: Int16(index)), isCommitted: true, scene.now)
        }
        #expect(scene.replies() == [orders[0]: .order(2), orders[1]: .order(2)])
        #expect(scene.core.transaction == .none)
    }

    @Test mutating func `a partition lost while its outcome is unknown is still resolved`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        let above = scene.order(buyer: 2)
        scene.core.unknown(scene.now)
        scene.core.lose(0, .leaseTaken, scene.now)
        #expect(scene.replies() == [above: .returned])
        scene.wait(.seconds(10))
        scene.check()
        #expect(scene.tryFor() == nil, "the old layer must be resolved first")
        scene.renew(fence: 2, batch: 2)
        #expect(scene.replies() == [order: .order(2)])
        #expect(scene.core.partitions[0].book.order(at: 2)?.buyer.rawValue == 1, "the shell encodes it now")
        #expect(!scene.effects().contains(.own(partition)))
        #expect(scene.tryFor() != nil)
    }

    @Test mutating func `what a lost partition had on its way is returned at once when it did not commit`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.lose(0, .leaseTaken, scene.now)
        scene.core.failed(isOutage: false, scene.now)
        #expect(scene.replies() == [order: .returned])
        #expect(scene.core.again.isEmpty)
    }

    @Test mutating func `a lost partition's yes is sent when its commit arrives late`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.lose(0, .leaseTaken, scene.now)
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [order: .order(2)])
        #expect(scene.core.partitions[0].book.order(at: 2) != nil)
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

    // MARK: Another incarnation

    @Test mutating func `a new incarnation voids fences, books and what is on its way`() {
        let first = scene.order(buyer: 1)
        _ = scene.send()
        let second = scene.order(buyer: 2)
        scene.core.incarnationChanged(scene.now)
        #expect(scene.replies() == [first: .returned, second: .returned])
        #expect(scene.phase() == .idle)
        #expect(scene.core.clock == nil)
        #expect(scene.effects().contains(.disown(partition, Fence(rawValue: 1))))
    }

    @Test mutating func `a late outcome of the old incarnation is not that of a new transaction`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.incarnationChanged(scene.now)
        _ = (scene.answers(), scene.effects())
        scene.wait(.seconds(1))
        scene.check()
        scene.ownSale(fence: 9)
        let order = scene.order(buyer: 2)
        #expect(scene.send() == nil, "the connection still owes the old outcome")
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.answers().isEmpty)
        scene.commit()
        #expect(scene.replies() == [order: .order(2)])
    }

    @Test mutating func `a late resolution of the old incarnation is nobody's`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.unknown(scene.now)
        scene.core.incarnationChanged(scene.now)
        _ = (scene.answers(), scene.effects())
        scene.wait(.seconds(1))
        scene.check()
        scene.ownSale(fence: 9)
        let order = scene.order(buyer: 2)
        #expect(scene.send() == nil, "the connection still owes the old answer")
        scene.core.renewed([], sent: scene.now, scene.now)
        scene.commit()
        #expect(scene.replies() == [order: .order(2)])
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
