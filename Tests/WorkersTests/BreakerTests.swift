import Ledger
import Resilience
import Sales
import Testing
import Wire

@testable import Workers

/// The breakers between a worker and its ledger.
@Suite struct BreakerTests {
    private var scene = Scene()

    init() { scene.ownSale() }

    private mutating func trip() {
        scene.core.breakers.commit.trip(scene.now)
        scene.wait(.milliseconds(500))
        scene.core.tick(scene.now)
    }

    @Test mutating func `contention never opens it`() {
        for buyer in 1...50 as ClosedRange<Int64> {
            _ = scene.order(buyer: buyer)
            _ = scene.send()
            scene.core.failed(isOutage: false, scene.now)
            scene.commit()
        }
        #expect(scene.core.breakers.commit.isClosed)
    }

    @Test mutating func `fences that moved and entries that were refused are the ledger at work`() {
        for _ in 1...10 {
            _ = scene.order(buyer: 1, quantity: 11)
            _ = scene.order(buyer: 2)
            _ = scene.send()
            scene.core.refused(scene.now)
            scene.commit()
        }
        #expect(scene.core.breakers.commit.isClosed)
    }

    @Test mutating func `a fence check is the probe, and a tenth passes at first`() {
        trip()
        #expect(scene.core.breakers.commit.stateName == .halfOpen)
        scene.check()
        #expect(scene.core.breakers.commit.stateName == .recovering)
        var passed = 0
        for buyer in 1...100 as ClosedRange<Int64> {
            let order = scene.order(buyer: buyer, quantity: 11)
            if scene.replies()[order] != .unavailable(.ledger) { passed += 1 }
        }
        #expect((9...11).contains(passed))
        scene.live(.seconds(1))
        #expect(scene.core.breakers.commit.isClosed)
    }

    @Test mutating func `a check that was sent long ago is no probe`() {
        trip()
        scene.core.checked([], ledger: scene.ledgerTime, sent: scene.now - .milliseconds(1_100), scene.now)
        #expect(scene.core.breakers.commit.stateName == .halfOpen)
    }

    @Test mutating func `a ledger that answers slowly, but in time, is no outage for ever`() {
        trip()
        scene.core.checked([], ledger: scene.ledgerTime, sent: scene.now - .milliseconds(600), scene.now)
        #expect(scene.core.breakers.commit.stateName == .recovering)
    }

    @Test mutating func `checks that are answered do not hide a commit that hangs`() {
        _ = scene.order(buyer: 1)
        _ = scene.send()
        scene.live(.seconds(3))
        #expect(scene.core.breakers.commit.stateName == .halfOpen)
        #expect(scene.core.breakers.control.isClosed)
        let order = scene.order(buyer: 2)
        #expect(scene.replies()[order] == .unavailable(.ledger))
        scene.core.committed(sent: scene.now, scene.now)
        scene.live(.seconds(2))
        #expect(scene.core.breakers.commit.isClosed)
    }

    @Test mutating func `no partition is taken while control is open`() {
        scene.core.breakers.control.trip(scene.now)
        #expect(scene.tryFor(1) == nil)
        scene.live(.seconds(1))
        #expect(scene.phase(1) == .acquiring)
    }

    // MARK: An older state

    @Test mutating func `a fence that went back voids every book`() {
        scene.own(1, fence: 5)
        scene.wait(.milliseconds(1))
        let row = Ownership(partition: Partition(rawValue: 1), fence: Fence(rawValue: 4), batch: 0, last: 0)
        scene.core.checked([row], ledger: scene.ledgerTime, sent: scene.now, scene.now)
        #expect(scene.phase(0) == .idle && scene.phase(1) == .idle)
        #expect(scene.effects().contains(.note(.wentBack(Partition(rawValue: 1)))))
    }

    @Test mutating func `a batch that fits neither before nor after voids every book`() {
        let order = scene.order(buyer: 1)
        _ = scene.send()
        scene.core.unknown(scene.now)
        scene.core.tick(scene.now)
        scene.renew(fence: 2, batch: 0)
        #expect(scene.phase() == .idle)
        #expect(scene.replies()[order] == .returned)
        #expect(scene.core.transaction == .none)
    }
}
