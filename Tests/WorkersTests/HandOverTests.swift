import Methods
import Redlock
import Sales
import Testing
import Wire

@testable import Workers

/// A partition goes to a successor that asks for it and ranks first.
@Suite struct HandOverTests {
    private var scene = Scene()
    private let partition = Partition(rawValue: 0)
    private let asker = ReplyAddress(session: 2, callID: 77)

    init() { scene.ownSale() }

    /// A worker that comes before `worker-1` for partition 0 asks for it.
    private mutating func ask() {
        scene.beat(live: ["worker-1", scene.outranks()])
        scene.core.yield(
            YieldPartition(partition: partition, successor: scene.outranks()), to: asker, scene.now)
    }

    private func releases(_ effects: [WorkerEffect]) -> Bool {
        effects.contains {
            if case .releaseAndAnswer(_, let to) = $0 { return to == asker }
            return false
        }
    }

    // MARK: Giving

    @Test mutating func `who has nothing to finish disowns, then releases and answers`() {
        ask()
        let effects = scene.effects()
        #expect(effects.first == .disown(partition, Fence(rawValue: 1)))
        #expect(releases(effects))
        #expect(scene.phase() == .idle)
        #expect(scene.answers().isEmpty, "the shell answers when the nodes have released")
    }

    @Test mutating func `what was decided is finished before the release`() {
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        let open = scene.order(buyer: 2)
        ask()
        let late = scene.order(buyer: 3)
        #expect(scene.replies() == [late: .returned])
        #expect(scene.effects() == [.disown(partition, Fence(rawValue: 1))])
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [sent: .order(2)])
        #expect(!releases(scene.effects()))
        scene.commit()
        #expect(scene.replies() == [open: .order(3)])
        #expect(releases(scene.effects()))
        #expect(scene.phase() == .idle)
    }

    @Test mutating func `what fails during a hand-over is returned`() {
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        let open = scene.order(buyer: 2)
        ask()
        scene.core.failed(isOutage: false, scene.now)
        #expect(scene.replies() == [sent: .returned, open: .returned])
        #expect(releases(scene.effects()))
        #expect(scene.send() == nil)
    }

    @Test mutating func `an unknown outcome is resolved before the release`() {
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        ask()
        scene.core.unknown(scene.now)
        #expect(!releases(scene.effects()))
        scene.renew(fence: 2, batch: 2)
        #expect(scene.replies() == [sent: .order(2)])
        let effects = scene.effects()
        #expect(releases(effects))
        #expect(!effects.contains(.own(partition)))
    }

    @Test mutating func `who ranks behind does not get it`() {
        scene.beat(live: ["worker-1", scene.outranked()])
        scene.core.yield(
            YieldPartition(partition: partition, successor: scene.outranked()), to: asker, scene.now)
        #expect(scene.replies() == [asker: .notYielded])
        #expect(scene.phase() == .owned)
    }

    @Test mutating func `who is not live does not get it`() {
        scene.beat(live: ["worker-1"])
        scene.core.yield(
            YieldPartition(partition: partition, successor: scene.outranks()), to: asker, scene.now)
        #expect(scene.replies() == [asker: .notYielded])
    }

    @Test mutating func `what is not ours cannot be given`() {
        scene.core.yield(
            YieldPartition(partition: Partition(rawValue: 1), successor: "worker-2"), to: asker, scene.now)
        scene.core.yield(
            YieldPartition(partition: Partition(rawValue: 99), successor: "worker-2"),
            to: ReplyAddress(session: 2, callID: 78), scene.now)
        #expect(scene.answers().map(\.reply) == [.returned, .returned])
    }

    @Test mutating func `one at a time is given`() {
        scene.own(1, entries: [scene.sale()])
        _ = scene.order(buyer: 1)
        _ = scene.send()
        ask()
        let second = ReplyAddress(session: 2, callID: 78)
        let name = scene.outranks(for: 1)
        scene.beat(live: ["worker-1", name])
        let yield = YieldPartition(partition: Partition(rawValue: 1), successor: name)
        scene.core.yield(yield, to: second, scene.now)
        #expect(scene.replies() == [second: .notYielded])
        scene.core.committed(sent: scene.now, scene.now)
        scene.core.yield(yield, to: second, scene.now)
        #expect(scene.phase(1) == .idle)
    }

    @Test mutating func `a hand-over that is overtaken is answered all the same`() {
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        ask()
        _ = scene.effects()
        scene.core.lose(0, .leaseTaken, scene.now)
        #expect(scene.replies() == [asker: .notYielded])
        #expect(!scene.effects().contains(.disown(partition, Fence(rawValue: 1))), "it was said before")
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [sent: .order(2)])
    }

    @Test mutating func `a new incarnation ends a hand-over`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        ask()
        scene.core.incarnationChanged(scene.now)
        #expect(scene.replies()[asker] == .notYielded)
    }

    @Test mutating func `who gave a partition away leaves it alone for a second`() {
        ask()
        scene.wait(.milliseconds(999))
        scene.check()
        #expect(scene.tryFor() == nil)
        scene.wait(.milliseconds(1))
        #expect(scene.tryFor() != nil)
    }

    // MARK: Asking

    /// A scene whose worker is the target of partitions 0 and 1, which others own.
    private func successor() -> Scene {
        var scene = Scene()
        let behind = (2...200).map { "worker-\($0)" }.first { name in
            let targets = Targets(workers: ["worker-1", name], partitions: Scene.partitions)
            return (0..<Int16(2)).allSatisfy { targets.target(of: Partition(rawValue: $0)) == "worker-1" }
        }
        scene.beat(live: ["worker-1", behind ?? ""], unowned: [])
        scene.wait(scene.core.configuration.settling)
        scene.check()
        return scene
    }

    private func asks(_ effects: [WorkerEffect]) -> [Int16] {
        effects.compactMap {
            if case .askYield(let partition) = $0 { return partition.rawValue }
            return nil
        }
    }

    @Test func `the first in rank asks for what another owns, one at a time`() {
        var scene = successor()
        scene.tick()
        #expect(asks(scene.effects()) == [0])
        scene.tick(after: .milliseconds(20))
        #expect(asks(scene.effects()).isEmpty)
        scene.core.yieldAnswered(partition, isGranted: false, scene.now)
        scene.tick(after: .milliseconds(20))
        #expect(asks(scene.effects()) == [1], "the refused one is asked for later")
        scene.core.yieldAnswered(Partition(rawValue: 1), isGranted: false, scene.now)
        scene.live(.milliseconds(900))
        scene.check()
        scene.core.asked = nil
        scene.tick(after: .milliseconds(100))
        #expect(asks(scene.effects()) == [0])
    }

    @Test func `nobody asks while workers come and go`() {
        var scene = successor()
        let others = scene.core.membership.live.filter { $0 != "worker-1" }
        scene.beat(live: ["worker-1"])
        scene.beat(live: ["worker-1"] + others)
        scene.tick(after: .milliseconds(299))
        #expect(asks(scene.effects()).isEmpty)
        scene.tick(after: .milliseconds(1))
        #expect(asks(scene.effects()) == [0])
    }

    @Test func `a granted partition is tried for at once`() {
        var scene = successor()
        scene.tick()
        _ = scene.effects()
        scene.core.yieldAnswered(partition, isGranted: true, scene.now)
        #expect(scene.effects() == [.acquire(partition, epoch: 1)])
    }

    @Test func `a grant that comes after the partition was found free does not begin anew`() {
        var scene = successor()
        scene.tick()
        _ = scene.effects()
        // The owner's DISOWN reaches the broker before its answer reaches us.
        scene.ownSale(fence: 4)
        let order = scene.order(buyer: 1)
        scene.core.yieldAnswered(partition, isGranted: true, scene.now)
        #expect(scene.phase() == .owned)
        #expect(scene.effects().isEmpty)
        scene.commit()
        #expect(scene.replies() == [order: .order(2)])
    }

    @Test func `nobody asks who is unfit, has no ledger, drains or knows nobody`() {
        for spoil in 0..<4 {
            var scene = spoil == 3 ? Scene() : successor()
            switch spoil {
            case 0: scene.wait(.milliseconds(1_001))
            case 1: scene.core.isLedgerReady = false
            case 2: scene.core.drain(scene.now)
            default: break
            }
            scene.tick()
            #expect(asks(scene.effects()).isEmpty, "case \(spoil)")
        }
    }
}

extension Scene {
    /// A name that comes before `worker-1` for a partition.
    func outranks(for partition: Int16 = 0) -> String { name(partition) { $0 != "worker-1" } }

    /// A name that comes after `worker-1` for a partition.
    func outranked(for partition: Int16 = 0) -> String { name(partition) { $0 == "worker-1" } }

    private func name(_ partition: Int16, _ isWanted: (String?) -> Bool) -> String {
        let names = (2...200).map { "worker-\($0)" }
        return names.first {
            let targets = Targets(workers: ["worker-1", $0], partitions: Scene.partitions)
            return isWanted(targets.target(of: Partition(rawValue: partition)))
        } ?? ""
    }
}
