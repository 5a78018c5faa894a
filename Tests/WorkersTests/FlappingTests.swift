import Ledger
import Methods
import Redlock
import Sales
import Testing
import Wire

@testable import Ledger
@testable import Workers

/// What keeps partitions from going to and fro.
@Suite struct FlappingTests {
    private var scene = Scene()
    private let partition = Partition(rawValue: 0)

    /// Lets time pass in ticks; `react` says what the world makes of each try for the partition.
    private mutating func tries(
        over time: TimeAmount, _ react: (inout Scene, _ epoch: UInt32) -> Void
    ) -> Int {
        let end = scene.now + time
        var tries = 0
        while scene.now < end {
            scene.tick(after: .milliseconds(20))
            scene.check()
            for case .acquire(partition, let epoch) in scene.effects() {
                tries += 1
                react(&scene, epoch)
            }
        }
        return tries
    }

    // MARK: Duels

    @Test
    mutating func `who is overtaken by a higher fence again and again tries once in a lease's lifetime`() {
        scene.beat(unowned: [0])
        var fence: Int64 = 0
        let tries = tries(over: .seconds(60)) { [partition] scene, epoch in
            // Redis gives the lease to both, and the other is always a moment later.
            fence += 2
            scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
            let ours = Ownership(partition: partition, fence: Fence(rawValue: fence), batch: 0, last: 0)
            scene.core.tookFence(ours, epoch: epoch, sent: scene.now, scene.now)
            let theirs = Ownership(partition: partition, fence: Fence(rawValue: fence + 1), batch: 0, last: 0)
            scene.core.checked([theirs], ledger: scene.ledgerTime, sent: scene.now, scene.now)
        }
        #expect((15...20).contains(tries), "\(tries) tries")
    }

    @Test
    mutating func
        `who loses the lease again and again tries ever less often, but never waits longer than it lasts`()
    {
        scene.beat(unowned: [0])
        let tries = tries(over: .seconds(60)) { [partition] scene, epoch in
            scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
            scene.core.lose(0, .leaseTaken, scene.now)
        }
        #expect((20...45).contains(tries), "\(tries) tries")
    }

    @Test mutating func `a partition whose target changes to and fro moves ever less often`() {
        let (ahead, behind) = (scene.outranks(), scene.outranked())
        scene.ownSale()
        var (taken, fence): (Int, Int64) = (0, 1)
        for step in 0..<3_000 {
            // For half a second the partition should be ours, for the next it should be another's.
            if step % 25 == 0 { scene.beat(live: ["worker-1", step % 50 == 0 ? behind : ahead]) }
            scene.tick(after: .milliseconds(20))
            scene.check()
            if scene.phase() == .owned, step % 50 == 49 {
                let request = YieldPartition(partition: partition, successor: ahead)
                scene.core.yield(request, to: ReplyAddress(session: 2, callID: UInt64(step)), scene.now)
            }
            if scene.effects().contains(.askYield(partition)) {
                scene.core.yieldAnswered(partition, isGranted: true, scene.now)
                let epoch = scene.core.partitions[0].epoch
                scene.core.acquired(.acquired(scene.lease()), partition, epoch: epoch, scene.now)
                (taken, fence) = (taken + 1, fence + 2)
                let ours = Ownership(partition: partition, fence: Fence(rawValue: fence), batch: 0, last: 0)
                scene.core.tookFence(ours, epoch: epoch, sent: scene.now, scene.now)
            }
            scene.core.asked = nil
        }
        #expect((2...8).contains(taken), "taken \(taken) times in a minute, and 60 times without restraint")
    }

    // MARK: Starvation

    @Test mutating func `a pause of our own is not the ledger's silence`() {
        scene.ownSale()
        scene.beat(live: ["worker-1", "worker-2"])
        scene.tick(after: .milliseconds(2_500))
        #expect(scene.core.isFit(scene.now))
        #expect(scene.phase() == .owned, "its lease still stands")
        for _ in 0..<10 { scene.tick(after: .milliseconds(100)) }
        #expect(scene.core.isFit(scene.now))
        scene.tick(after: .milliseconds(1))
        #expect(!scene.core.isFit(scene.now), "it has had its second")
    }

    @Test mutating func `who stands still again and again and hears nothing is unfit`() {
        scene.tick()
        for _ in 0..<6 { scene.tick(after: .milliseconds(250)) }
        #expect(!scene.core.isFit(scene.now))
    }

    @Test mutating func `a connection that is cut for a moment makes nobody unfit`() {
        scene.tick()
        scene.core.isLedgerReady = false
        for _ in 0..<9 {
            scene.tick(after: .milliseconds(100))
            scene.check()
        }
        #expect(scene.core.isFit(scene.now))
        scene.tick(after: .milliseconds(101))
        scene.check()
        #expect(!scene.core.isFit(scene.now), "without the connection for orders it serves nobody")
    }

    @Test mutating func `who is on probation takes what is free, after the others, and asks for nothing`() {
        scene.tick()
        for _ in 0..<12 { scene.tick(after: .milliseconds(100)) }
        scene.check()
        scene.beat(live: ["worker-2"], unowned: [0])
        scene.tick(after: .milliseconds(199))
        #expect(!scene.core.isFit(scene.now))
        #expect(scene.effects().isEmpty)
        scene.tick(after: .milliseconds(1))
        #expect(scene.effects() == [.acquire(partition, epoch: 1)])
    }
}
