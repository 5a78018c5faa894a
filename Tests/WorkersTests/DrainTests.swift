import Methods
import Redlock
import Sales
import Testing
import Wire

@testable import Workers

/// A worker that leaves gives its partitions to successors that ask for them, and to whoever comes when none asks.
@Suite struct DrainTests {
    private var scene = Scene()
    private let partition = Partition(rawValue: 0)

    init() { scene.ownSale() }

    private func releases(_ effects: [WorkerEffect], to asker: ReplyAddress) -> Bool {
        effects.contains {
            if case .releaseAndAnswer(_, asker) = $0 { return true }
            return false
        }
    }

    private mutating func ask(_ index: Int16, from successor: String, call: UInt64) -> ReplyAddress {
        let to = ReplyAddress(session: 2, callID: call)
        scene.core.yield(
            YieldPartition(partition: Partition(rawValue: index), successor: successor), to: to, scene.now)
        return to
    }

    // MARK: With successors

    @Test mutating func `who drains serves on until a successor asks, and then ends`() {
        scene.beat(live: ["worker-1", "worker-2"])
        scene.core.drain(scene.now)
        #expect(scene.effects() == [.sayDraining])
        scene.beat(live: ["worker-2"])
        scene.tick(after: .milliseconds(500))
        let order = scene.order(buyer: 1)
        scene.commit()
        #expect(scene.replies() == [order: .order(2)])
        #expect(!scene.effects().contains(.drained))
        let asker = ask(0, from: "worker-2", call: 1)
        #expect(releases(scene.effects(), to: asker))
        scene.tick()
        #expect(scene.effects() == [.drained])
    }

    @Test mutating func `several successors are served at once`() {
        scene.own(1, entries: [scene.sale()])
        let sent = [scene.order(buyer: 1), scene.order(buyer: 1, of: 1)]
        _ = scene.send()
        scene.beat(live: ["worker-1", "worker-2", "worker-3"])
        scene.core.drain(scene.now)
        scene.beat(live: ["worker-2", "worker-3"])
        let askers = [ask(0, from: "worker-2", call: 1), ask(1, from: "worker-3", call: 2)]
        #expect(scene.answers().isEmpty, "neither is refused")
        _ = scene.effects()
        scene.core.committed(sent: scene.now, scene.now)
        #expect(Set(scene.replies().keys) == Set(sent))
        let effects = scene.effects()
        #expect(askers.allSatisfy { releases(effects, to: $0) })
    }

    @Test mutating func `who is not live gets nothing of a drain`() {
        scene.beat(live: ["worker-1", "worker-2"])
        scene.core.drain(scene.now)
        let stranger = ask(0, from: "worker-3", call: 1)
        #expect(scene.replies() == [stranger: .notYielded])
    }

    @Test mutating func `a drain that nobody asks about leaves its partitions after a lease's lifetime`() {
        scene.beat(live: ["worker-1", "worker-2"])
        scene.core.drain(scene.now)
        scene.live(.milliseconds(3_000))
        #expect(scene.phase() == .owned)
        scene.tick(after: .milliseconds(1))
        #expect(scene.phase() == .idle)
        #expect(scene.effects().contains(.drained))
    }

    @Test mutating func `a successor that asks renews the patience, but a drain is over in time`() {
        scene.own(1, entries: [scene.sale()])
        scene.beat(live: ["worker-1", "worker-2"])
        scene.core.drain(scene.now)
        scene.live(.milliseconds(2_500))
        _ = ask(0, from: "worker-2", call: 1)
        scene.live(.milliseconds(2_500))
        #expect(scene.phase(1) == .owned)
        scene.core.lastGiven = scene.now + .seconds(60)
        scene.live(.seconds(15))
        #expect(scene.phase(1) == .owned)
        scene.live(.milliseconds(50))
        #expect(scene.phase(1) == .idle)
    }

    @Test mutating func `a worker whose outcome never comes ends all the same`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.unknown(scene.now)
        scene.core.drain(scene.now)
        scene.tick(after: .seconds(25))
        #expect(!scene.effects().contains(.drained))
        scene.tick(after: .milliseconds(1))
        #expect(scene.effects().contains(.drained))
    }

    // MARK: Without

    @Test func `who has nothing has drained at once`() {
        var scene = Scene()
        scene.core.drain(scene.now)
        #expect(scene.effects() == [.sayDraining, .drained])
    }

    @Test mutating func `without a successor draining finishes what was decided, releases, and ends`() {
        scene.own(1, entries: [scene.sale()])
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.drain(scene.now)
        let effects = scene.effects()
        #expect(effects.first == .sayDraining)
        #expect(effects.contains(.disown(partition, Fence(rawValue: 1))))
        #expect(effects.contains(.disown(Partition(rawValue: 1), Fence(rawValue: 1))))
        #expect(!effects.contains(.drained))
        let late = scene.order(buyer: 2)
        #expect(scene.replies() == [late: .returned])
        scene.tick()
        #expect(!scene.effects().contains(.drained))
        scene.core.committed(sent: scene.now, scene.now)
        #expect(scene.replies() == [sent: .order(2)])
        scene.tick()
        #expect(scene.effects().contains(.drained))
        #expect(scene.core.partitions.allSatisfy { $0.phase == .idle })
    }

    @Test mutating func `draining waits for an unknown outcome, even of a lost partition`() {
        let sent = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.unknown(scene.now)
        scene.core.lose(0, .leaseTaken, scene.now)
        scene.core.drain(scene.now)
        scene.tick()
        #expect(!scene.effects().contains(.drained))
        scene.core.renewed([], sent: scene.now, scene.now)
        scene.core.batchChecked(partition, isCommitted: false, scene.now)
        #expect(scene.replies() == [sent: .returned], "before it ends")
        scene.tick()
        #expect(scene.effects().contains(.drained))
    }

    @Test mutating func `who drains takes nothing any more`() {
        scene.core.drain(scene.now)
        scene.wait(.seconds(2))
        scene.check()
        #expect(scene.tryFor() == nil)
    }
}
