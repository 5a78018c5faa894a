import Ledger
import Methods
import Redlock
import Sales
import Testing
import Wire

@testable import Ledger
@testable import Workers

/// How a worker gets a partition, keeps it and loses it (design §3, §7).
@Suite struct OwnershipTests {
    private var scene = Scene()
    private let partition = Partition(rawValue: 0)

    private func isAcquire(_ effect: WorkerEffect) -> Bool {
        if case .acquire = effect { return true }
        return false
    }

    private func isExtend(_ effect: WorkerEffect) -> Bool {
        if case .extend = effect { return true }
        return false
    }

    private func isRelease(_ effect: WorkerEffect) -> Bool {
        if case .release = effect { return true }
        return false
    }

    // MARK: Taking

    @Test mutating func `a lease, then the next fence, then the book, then OWN`() {
        guard let epoch = scene.tryFor() else {
            Issue.record("not tried for")
            return
        }
        #expect(scene.phase() == .acquiring)
        scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
        #expect(scene.effects() == [.takeFence(partition, epoch: epoch)])
        let ownership = Ownership(
            partition: partition, fence: Fence(rawValue: 7), batch: 3, last: 3)
        scene.core.tookFence(ownership, epoch: epoch, sent: scene.now, scene.now)
        #expect(scene.effects() == [.load(partition, epoch: epoch, after: 0)])
        scene.core.loaded([scene.sale()], partition, epoch: epoch, scene.now)
        #expect(scene.effects() == [.load(partition, epoch: epoch, after: 1)])
        #expect(scene.phase() == .loading)
        let more = [scene.sale(8, sequence: 2), scene.sale(9, sequence: 3)]
        scene.core.loaded(more, partition, epoch: epoch, scene.now)
        #expect(
            scene.effects() == [
                .own(partition), .note(.owned(partition, Fence(rawValue: 7), entries: 3)),
            ])
        _ = scene.order(buyer: 1)
        let batch = scene.send()?[0]
        #expect(batch?.fence.rawValue == 7)
        #expect(batch?.number == 4)
        #expect(batch?.entries[0].sequence == 4)
    }

    @Test mutating func `an empty ledger needs no loading`() {
        scene.own()
        #expect(scene.phase() == .owned)
    }

    @Test mutating func `a gap in the ledger is not served`() {
        guard let epoch = scene.tryFor() else { return }
        scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
        let ownership = Ownership(partition: partition, fence: Fence(rawValue: 1), batch: 1, last: 2)
        scene.core.tookFence(ownership, epoch: epoch, sent: scene.now, scene.now)
        scene.core.loaded([scene.sale(sequence: 2)], partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .idle)
        #expect(scene.effects().contains(.note(.badBook(partition))))
    }

    @Test mutating func `a ledger shorter than it said is not served`() {
        guard let epoch = scene.tryFor() else { return }
        scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
        let ownership = Ownership(partition: partition, fence: Fence(rawValue: 1), batch: 1, last: 2)
        scene.core.tookFence(ownership, epoch: epoch, sent: scene.now, scene.now)
        scene.core.loaded([scene.sale()], partition, epoch: epoch, scene.now)
        scene.core.loaded([], partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .idle)
        #expect(scene.effects().contains(.note(.badBook(partition))))
    }

    @Test(arguments: [0, 1, 2])
    func `rank r tries after r times 200 ms`(rank: Int) {
        var scene = scene
        // The other names are chosen so that the worker has the rank for the partition.
        let sets = (2...600).map { first in ["worker-1"] + (first..<first + 4).map { "worker-\($0)" } }
        let live = sets.first { names in
            var membership = Membership(name: "worker-1", partitions: Scene.partitions)
            membership.heard(BrokerBeat(live: names, unowned: []), from: 1, scene.now)
            return membership.rank(for: partition) == rank
        }
        scene.beat(live: live ?? [], unowned: [0])
        for step in 0..<rank * 4 {
            scene.tick()
            #expect(!scene.effects().contains(where: isAcquire), "too early: \(step * 50) ms")
            scene.wait(.milliseconds(50))
            scene.check()
        }
        scene.tick()
        #expect(scene.effects().contains(where: isAcquire))
    }

    @Test mutating func `the lease of an owner that was seen to die is released, not waited for`() {
        let token = HolderToken(rawValue: 7)
        let dead = DeadHolder(partition: partition, token: token)
        let beat = BrokerBeat(live: ["worker-1"], unowned: [partition], dead: [dead])
        scene.core.membership.heard(beat, from: 1, scene.now)
        scene.tick(after: .milliseconds(199))
        #expect(scene.effects().isEmpty, "it may come back with a new session")
        scene.tick(after: .milliseconds(1))
        let effects = scene.effects()
        guard effects.count == 2, case .release(let lease) = effects[0] else {
            Issue.record("\(effects)")
            return
        }
        #expect(lease.token.rawValue == token.rawValue)
        #expect(lease.resource == WorkerCore.resource(partition))
        #expect(effects[1] == .acquire(partition, epoch: 1))
    }

    @Test mutating func `what one broker sees free and another owned is tried for after a lease's lifetime`()
    {
        scene.beat(unowned: [0])
        scene.beat(unowned: [], from: 2)
        scene.wait(.milliseconds(2_999))
        scene.check()
        scene.tick()
        #expect(!scene.effects().contains(where: isAcquire))
        scene.tick(after: .milliseconds(1))
        #expect(scene.effects().contains(where: isAcquire))
    }

    @Test mutating func `an unfit worker takes nothing`() {
        scene.wait(.milliseconds(1_001))
        #expect(scene.tryFor() == nil)
        scene.check()
        #expect(scene.tryFor() != nil)
    }

    @Test mutating func `a lease that another holds is tried for again soon`() {
        guard let epoch = scene.tryFor() else { return }
        scene.core.acquired(.held(retryAfter: .seconds(3)), partition, epoch: epoch, scene.now)
        scene.tick(after: .milliseconds(99))
        #expect(!scene.effects().contains(where: isAcquire))
        scene.tick(after: .milliseconds(201))
        #expect(scene.effects().contains(where: isAcquire))
    }

    @Test mutating func `without a quorum it is tried for again, less soon`() {
        guard let epoch = scene.tryFor() else { return }
        scene.core.acquired(.noQuorum, partition, epoch: epoch, scene.now)
        scene.tick(after: .milliseconds(199))
        #expect(!scene.effects().contains(where: isAcquire))
        scene.tick(after: .milliseconds(201))
        #expect(scene.effects().contains(where: isAcquire))
    }

    @Test mutating func `a lease granted after giving up is let go`() {
        guard let epoch = scene.tryFor() else { return }
        scene.core.drain(scene.now)
        let lease = scene.lease()
        _ = scene.effects()
        scene.core.acquired(.acquired(lease), partition, epoch: epoch, scene.now)
        #expect(scene.effects() == [.release(lease)])
        #expect(scene.phase() == .idle)
    }

    @Test mutating func `late outcomes of an earlier try change nothing`() {
        guard let epoch = scene.tryFor() else { return }
        scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
        scene.core.lose(0, .leaseTaken, scene.now)
        _ = scene.effects()
        let ownership = Ownership(partition: partition, fence: Fence(rawValue: 1), batch: 0, last: 0)
        scene.core.tookFence(ownership, epoch: epoch, sent: scene.now, scene.now)
        scene.core.loaded([scene.sale()], partition, epoch: epoch, scene.now)
        scene.core.takingFailed(partition, epoch: epoch, scene.now)
        scene.core.extended(.taken, partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .idle)
        #expect(scene.effects().isEmpty)
    }

    @Test mutating func `a fence that cannot be taken gives the lease back`() {
        guard let epoch = scene.tryFor() else { return }
        let lease = scene.lease()
        scene.core.acquired(.acquired(lease), partition, epoch: epoch, scene.now)
        scene.core.takingFailed(partition, epoch: epoch, scene.now)
        #expect(scene.effects().contains(.release(lease)))
        #expect(scene.phase() == .idle)
    }

    // MARK: Keeping

    @Test mutating func `a lease is renewed at a third of its lifetime`() {
        scene.ownSale()
        scene.tick(after: .milliseconds(899))
        #expect(!scene.effects().contains(where: isExtend))
        scene.tick(after: .milliseconds(101))
        #expect(scene.effects().count(where: isExtend) == 1)
        scene.tick(after: .milliseconds(100))
        #expect(!scene.effects().contains(where: isExtend), "one at a time")
    }

    @Test mutating func `a worker that lives on keeps what it has`() {
        scene.ownSale()
        scene.live(.seconds(30))
        #expect(scene.phase() == .owned)
    }

    @Test mutating func `a lease that ran out unnoticed is given up`() {
        scene.ownSale()
        let waiting = scene.order(buyer: 1)
        scene.tick(after: .seconds(3))
        #expect(scene.phase() == .idle)
        #expect(scene.replies() == [waiting: .returned])
        #expect(scene.effects().contains(.disown(partition, Fence(rawValue: 1))))
    }

    @Test mutating func `a lease that another holds is dropped at once`() {
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        scene.core.extended(.taken, partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .idle)
        #expect(scene.effects().first == .disown(partition, Fence(rawValue: 1)))
    }

    @Test mutating func `a lease that the nodes forgot is taken anew while serving goes on`() {
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        scene.core.extended(.vanished, partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .owned)
        let effects = scene.effects()
        #expect(effects.contains(where: isRelease))
        #expect(effects.last == .acquire(partition, epoch: epoch))
        let lease = scene.lease()
        scene.core.acquired(.acquired(lease), partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .owned)
        #expect(scene.core.partitions[0].lease == lease)
        #expect(scene.effects() == [.own(partition)], "the fence has not moved, but the token has")
    }

    @Test mutating func `a lease that the nodes forgot and another took is dropped`() {
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        scene.core.extended(.vanished, partition, epoch: epoch, scene.now)
        scene.core.acquired(.held(retryAfter: .seconds(3)), partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .idle)
    }

    @Test mutating func `a lease that nobody could take is tried for again while serving goes on`() {
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        for outcome in [AcquireOutcome.held(retryAfter: nil), .noQuorum] {
            scene.core.extended(.vanished, partition, epoch: epoch, scene.now)
            scene.core.acquired(outcome, partition, epoch: epoch, scene.now)
            _ = scene.effects()
            #expect(scene.phase() == .owned)
            scene.tick(after: .milliseconds(500))
            #expect(scene.effects().contains(where: isExtend))
        }
    }

    @Test(arguments: WorkerConfiguration.QuorumLossPolicy.allCases)
    func `without a quorum the policy decides what happens when the lease runs out`(
        policy: WorkerConfiguration.QuorumLossPolicy
    ) {
        var scene = Scene { $0.onQuorumLoss = policy }
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        scene.core.extended(.noQuorum, partition, epoch: epoch, scene.now)
        scene.tick(after: .milliseconds(2_900))
        #expect(scene.phase() == .owned, "the lease still stands")
        scene.core.extended(.noQuorum, partition, epoch: epoch, scene.now)
        scene.check()
        scene.tick(after: .milliseconds(200))
        #expect(scene.phase() == (policy == .continue ? .owned : .idle))
    }

    @Test mutating func `when the quorum returns the owner re-takes its own lease`() {
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        let old = scene.core.partitions[0].lease
        scene.core.extended(.noQuorum, partition, epoch: epoch, scene.now)
        scene.check()
        scene.wait(.seconds(4))
        scene.beatAgain()
        scene.tick()
        #expect(
            scene.effects() == (old.map { [.release($0), .acquire(partition, epoch: epoch)] } ?? []))
        scene.core.acquired(.noQuorum, partition, epoch: epoch, scene.now)
        scene.tick(after: .milliseconds(499))
        #expect(scene.effects().isEmpty)
        scene.check()
        scene.tick(after: .milliseconds(1))
        #expect(scene.effects().contains(.acquire(partition, epoch: epoch)))
        scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
        #expect(scene.phase() == .owned)
        #expect(!scene.core.partitions[0].isQuorumLost)
    }

    @Test mutating func `a quorum that was lost under an earlier lease does not excuse the next`() {
        scene.ownSale()
        let epoch = scene.core.partitions[0].epoch
        scene.core.extended(.noQuorum, partition, epoch: epoch, scene.now)
        scene.beat(live: ["worker-1", scene.outranks()])
        let yield = YieldPartition(partition: partition, successor: scene.outranks())
        scene.core.yield(yield, to: ReplyAddress(session: 2, callID: 1), scene.now)
        #expect(scene.phase() == .idle)
        scene.wait(.seconds(2))
        scene.check()
        scene.ownSale(fence: 3)
        scene.tick(after: .seconds(4))
        #expect(scene.phase() == .idle)
    }

    @Test mutating func `whom no broker sees keeps its partitions, but lets its leases end`() {
        scene.ownSale()
        #expect(lastExtension(over: .seconds(10)) < .milliseconds(1_600), "another may take the lease")
        #expect(scene.phase() == .owned, "it may be the only worker")
        scene.beatAgain()
        scene.tick(after: .milliseconds(500))
        #expect(scene.effects().contains(where: isAcquire), "seen again, it wants its lease back")
    }

    @Test mutating func `a broker that sees others only does not keep our leases alive`() {
        scene.ownSale()
        #expect(lastExtension(over: .seconds(10), seeing: ["worker-2"]) < .milliseconds(1_600))
        #expect(scene.phase() == .owned)
    }

    @Test(arguments: WorkerConfiguration.QuorumLossPolicy.allCases)
    func `when no broker sees anybody fit, everybody keeps partitions and leases`(
        policy: WorkerConfiguration.QuorumLossPolicy
    ) {
        var test = OwnershipTests()
        test.scene = Scene { $0.onQuorumLoss = policy }
        test.scene.ownSale()
        #expect(test.lastExtension(over: .seconds(10), seeing: []) > .seconds(8))
        #expect(test.scene.phase() == .owned)
    }

    @Test func `an owner told to refuse without a quorum does not refuse for want of a broker`() {
        var test = OwnershipTests()
        test.scene = Scene { $0.onQuorumLoss = .refuse }
        test.scene.ownSale()
        #expect(test.lastExtension(over: .seconds(10)) < .milliseconds(1_600))
        #expect(test.scene.phase() == .owned)
    }

    @Test mutating func `a broker that sees us keeps our leases alive`() {
        scene.ownSale()
        #expect(lastExtension(over: .seconds(10), seeing: ["worker-1"]) > .seconds(8))
    }

    /// When the lease was last asked to be extended, as time passes and a broker says whom it sees.
    private mutating func lastExtension(over time: TimeAmount, seeing live: [String]? = nil) -> TimeAmount {
        let start = scene.now
        var last = TimeAmount.zero
        if live == nil { scene.core.membership.lost(1, scene.now) }
        while scene.now - start < time {
            if let live { scene.beat(live: live) }
            scene.tick(after: .milliseconds(50))
            scene.check()
            for case .extend(let partition, let epoch, let lease) in scene.effects() {
                last = scene.now - start
                let longer = Lease(
                    resource: lease.resource, token: lease.token, validUntil: scene.now + .seconds(3))
                scene.core.extended(.extended(longer), partition, epoch: epoch, scene.now)
            }
        }
        return last
    }

    // MARK: Losing

    @Test mutating func `a fence that moved on ends it at once, for a lease's lifetime`() {
        scene.ownSale()
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        let (waiting, no) = (scene.order(buyer: 2), scene.order(buyer: 2, quantity: 11))
        let moved = Ownership(partition: partition, fence: Fence(rawValue: 2), batch: 1, last: 1)
        scene.core.checked([moved], ledger: scene.ledgerTime, sent: scene.now, scene.now)
        #expect(scene.phase() == .idle)
        #expect(scene.effects().first == .disown(partition, Fence(rawValue: 1)))
        #expect(scene.replies() == [waiting: .returned, no: .returned])
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [sent: .order(2)])
        scene.wait(.milliseconds(2_999))
        scene.check()
        #expect(scene.tryFor() == nil)
        scene.wait(.milliseconds(201))
        scene.check()
        #expect(scene.tryFor() != nil)
    }

    @Test mutating func `a check from before our own fence is no proof against it`() {
        let early = scene.now
        scene.ownSale(fence: 5)
        let old = Ownership(partition: partition, fence: Fence(rawValue: 4), batch: 1, last: 1)
        scene.wait(.milliseconds(400))
        scene.core.checked([old], ledger: scene.ledgerTime, sent: early, scene.now)
        #expect(scene.phase() == .owned)
        scene.wait(.milliseconds(101))
        let no = scene.order(buyer: 1, quantity: 11)
        #expect(scene.replies() == [no: .unavailable(.stale)], "and no proof for it")
    }

    @Test mutating func `an unfit worker gives up when another is fit`() {
        scene.ownSale()
        scene.core.isLedgerReady = false
        scene.beat(live: ["worker-1", "worker-2"])
        for _ in 0..<20 { scene.tick(after: .milliseconds(100)) }
        #expect(scene.phase() == .owned)
        scene.tick(after: .nanoseconds(1))
        #expect(scene.phase() == .idle)
    }

    @Test mutating func `when nobody is fit everybody keeps what they have`() {
        scene.ownSale()
        scene.core.isLedgerReady = false
        scene.beat(live: ["worker-1"])
        for _ in 0..<25 { scene.tick(after: .milliseconds(100)) }
        #expect(scene.phase() == .owned)
    }
}
