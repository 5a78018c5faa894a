import Ledger
import Receipts
import Redlock
import Sales
import Testing
import Wire

@testable import Workers

/// Every batch that a worker sends is sealed to what has committed before it.
@Suite struct SealingTests {
    private var scene = Scene()
    private let incarnation = Incarnation(systemIdentifier: 5, timeline: 2)

    init() {
        scene.core.incarnation = incarnation
        scene.ownSale()
    }

    /// Whether the batch has the seal of its entries, behind another.
    private func follows(_ batch: Batch?, _ previous: Digest?) -> Bool {
        guard var copy = batch else { return false }
        copy.seal(after: previous ?? .zero, in: incarnation)
        return copy.seal == batch?.seal
    }

    @Test mutating func `the first batch of an owner follows the seal that the fence came with`() throws {
        let before = try #require(SealingTests.anyDigest)
        let partition = Partition(rawValue: 1)
        let tried = scene.tryFor(1)
        let epoch = try #require(tried)
        scene.core.acquired(.acquired(scene.lease(1)), partition, epoch: epoch, scene.now)
        scene.core.tookFence(
            Ownership(partition: partition, fence: Fence(rawValue: 3), batch: 4, last: 1, digest: before),
            epoch: epoch, sent: scene.now, scene.now)
        scene.core.loaded([scene.sale()], partition, epoch: epoch, scene.now)
        _ = scene.order(buyer: 1, of: 1)
        let batch = scene.send()?.first
        #expect(batch?.number == 5)
        #expect(follows(batch, before))
    }

    private static var anyDigest: Digest? {
        var batch = Batch(
            partition: Partition(rawValue: 1), fence: Fence(rawValue: 2), number: 4,
            entries: [Scene().sale(7, units: 3)])
        batch.seal(after: .zero, in: Incarnation(systemIdentifier: 1, timeline: 1))
        return batch.seal?.digest
    }

    @Test mutating func `each batch follows the last one that was sent`() {
        var last: Digest?
        for buyer in 1...3 {
            _ = scene.order(buyer: Int64(buyer))
            let batch = scene.send()?.first
            #expect(follows(batch, last))
            last = batch?.seal?.digest
            scene.core.committed(sent: scene.now, scene.now)
        }
    }

    @Test mutating func `a batch that did not commit is followed by none`() {
        _ = scene.order(buyer: 1)
        let first = scene.send()?.first
        scene.core.committed(sent: scene.now, scene.now)
        for end in 0..<3 {
            _ = scene.order(buyer: 2)
            let lost = scene.send()?.first
            #expect(follows(lost, first?.seal?.digest))
            switch end {
            case 0: scene.core.failed(isOutage: false, scene.now)
            case 1: scene.core.fenced([], scene.now)
            default: scene.core.refused(scene.now)
            }
        }
        _ = scene.order(buyer: 3)
        #expect(follows(scene.send()?.first, first?.seal?.digest))
    }

    @Test(arguments: [true, false])
    func `an unknown outcome leaves the chain where the ledger says it is`(isCommitted: Bool) throws {
        var scene = scene
        _ = scene.order(buyer: 1)
        let batch = scene.send()?.first
        let sent = try #require(batch?.seal)
        scene.core.unknown(scene.now)
        let row = Ownership(
            partition: Partition(rawValue: 0), fence: Fence(rawValue: 2), batch: isCommitted ? 2 : 1,
            last: isCommitted ? 2 : 1, digest: isCommitted ? sent.digest : sent.previous)
        scene.core.renewed([row], sent: scene.now, scene.now)
        _ = scene.order(buyer: 2)
        let next = scene.send()?.first
        #expect(next?.fence.rawValue == 2)
        #expect(follows(next, isCommitted ? sent.digest : sent.previous))
    }

    @Test mutating func `a chain that the ledger refuses is taken up from where the ledger has it`() throws {
        let other = try #require(SealingTests.anyDigest)
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.fenced([Partition(rawValue: 0)], scene.now)
        scene.core.renewed(
            [
                Ownership(
                    partition: Partition(rawValue: 0), fence: Fence(rawValue: 2), batch: 1, last: 1,
                    digest: other)
            ],
            sent: scene.now, scene.now)
        #expect(follows(scene.send()?.first, other))
    }
}
