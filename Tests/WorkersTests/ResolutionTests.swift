import Ledger
import Methods
import Sales
import Testing
import Wire

@testable import Workers

/// A transaction whose outcome is unknown, or belongs to a ledger that is no more (design §4).
@Suite struct ResolutionTests {
    private var scene = Scene()

    init() { scene.ownSale() }

    private var partition: Partition { Partition(rawValue: 0) }

    private var held: WorkerEffect {
        .renewFences([WorkerEffect.HeldFence(partition: partition, fence: Fence(rawValue: 1))])
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
        #expect(replies[second] == (isCommitted ? Scene.soldOut : .returned))
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
