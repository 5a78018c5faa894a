import Ledger
import Methods
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

    // MARK: Forced

    private mutating func force(
        _ state: String, _ purpose: String = "commit", for seconds: Int64 = 60
    ) throws(BadField) {
        let request = ForceBreaker(
            worker: "worker-1", forcing: state, of: purpose, seconds: seconds, by: "ada")
        try scene.core.breakers.apply(request, scene.now)
    }

    private mutating func lift(_ purpose: String = "commit") throws(BadField) {
        let request = ForceBreaker(worker: "worker-1", lifting: purpose, by: "ada")
        try scene.core.breakers.apply(request, scene.now)
    }

    @Test mutating func `forced open it refuses at once, whatever checks say, until it is lifted`() throws {
        try force("open")
        scene.live(.seconds(1))
        let refused = scene.order(buyer: 1)
        #expect(scene.replies() == [refused: .unavailable(.ledger)])
        #expect(scene.core.retryAfter(.ledger, scene.now) == .milliseconds(500))
        try lift()
        #expect(scene.core.breakers.commit.stateName == .halfOpen)
        scene.live(.seconds(2))
        let order = scene.order(buyer: 1)
        scene.commit()
        #expect(scene.replies() == [order: .order(2)])
    }

    @Test mutating func `a forced state ends with its time`() throws {
        try force("open", for: 2)
        scene.live(.milliseconds(1_900))
        #expect(scene.core.retryAfter(.ledger, scene.now) == .milliseconds(100))
        scene.live(.milliseconds(1_500))
        #expect(scene.core.breakers.commit.isClosed)
        #expect(scene.core.breakers.states(scene.now).breakers.allSatisfy { $0.forced == nil })
    }

    @Test(arguments: ["closed", "disabled", "metrics-only"])
    mutating func `forced to let everything pass it keeps trying`(state: String) throws {
        trip()
        try force(state)
        for buyer in 1...5 as ClosedRange<Int64> {
            _ = scene.order(buyer: buyer)
            #expect(scene.send() != nil)
            scene.core.failed(isOutage: true, scene.now)
        }
        #expect(scene.core.retryAfter(.ledger, scene.now) == .milliseconds(250), "nobody knows how long")
    }

    @Test mutating func `control that is forced open takes nothing, and closed it takes while it is down`()
        throws
    {
        try force("open", "control")
        #expect(scene.tryFor(1) == nil)
        scene.core.breakers.control.trip(scene.now)
        try force("closed", "control")
        #expect(scene.tryFor(1) != nil)
    }

    @Test mutating func `fences of locks that fail refuse locks alone, until a probe of their own`() {
        for _ in 1...3 {
            let permit = scene.core.breakers.locks.begin(scene.now)
            scene.core.breakers.locks.record(permit, .unreachable, scene.now)
        }
        #expect(scene.core.breakers.locks.stateName == .open)
        #expect(scene.core.breakers.commit.isClosed && scene.core.breakers.control.isClosed)
        scene.live(.seconds(1))
        #expect(scene.core.breakers.locks.stateName == .halfOpen)
        let probe = scene.core.breakers.locks.admitProbe(scene.now)
        #expect(probe != nil && scene.core.breakers.locks.admitProbe(scene.now) == nil)
        scene.core.breakers.locks.record(probe!, .success, scene.now)
        #expect(scene.core.breakers.locks.letsPass)
    }

    @Test mutating func `a taking of fences that hangs opens the breaker of locks before it times out`() {
        _ = scene.core.breakers.locks.begin(scene.now)
        scene.live(.milliseconds(1_600))
        #expect(!scene.core.breakers.locks.letsPass)
        #expect(scene.core.breakers.commit.isClosed && scene.core.breakers.control.isClosed)
    }

    @Test mutating func `who asks for a receipt is the probe of its breaker`() {
        for _ in 1...3 { scene.core.breakers.lost(.receipts, scene.now) }
        guard case .refused(let retryAfter) = scene.core.breakers.receipts.admit(scene.now) else {
            Issue.record("the breaker is not open")
            return
        }
        #expect(retryAfter > .zero && retryAfter <= .milliseconds(500))
        scene.live(.seconds(1))
        guard case .admitted(let probe) = scene.core.breakers.receipts.admit(scene.now) else {
            Issue.record("no probe")
            return
        }
        #expect(scene.core.breakers.receipts.stateName == .halfOpen)
        scene.core.breakers.receipts.record(probe, .success, scene.now)
        #expect(scene.core.breakers.receipts.letsPass)
    }

    @Test mutating func `a connection for locks that cannot be made is no outage, three are`() {
        for number in 1...3 {
            scene.core.breakers.lost(.locks, scene.now)
            #expect(scene.core.breakers.locks.isClosed == (number < 3))
        }
        #expect(scene.core.breakers.commit.isClosed && scene.core.breakers.control.isClosed)
    }

    @Test mutating func `an operator sees what is forced, by whom and for how long, beside its own state`()
        throws
    {
        scene.core.breakers.control.trip(scene.now)
        try force("metrics-only", "control")
        scene.wait(.milliseconds(100))
        let states = scene.core.breakers.states(scene.now).breakers
        #expect(states.map(\.purpose) == ["commit", "control", "locks", "receipts"])
        #expect(states.map(\.state) == ["closed", "open", "closed", "closed"])
        let forced = BreakerState.Forced(state: "metrics-only", actor: "ada", leftMilliseconds: 59_900)
        #expect(states.map(\.forced) == [nil, forced, nil, nil])
        #expect(
            scene.core.breakers.takeEvents().map(\.1.change).last
                == .forced(.metricsOnly, by: "ada", until: scene.now + .milliseconds(59_900)))
    }

    @Test(arguments: [
        (ForceBreaker(worker: "w", forcing: "ajar", of: "commit", seconds: 60, by: "ada"), "state"),
        (ForceBreaker(worker: "w", forcing: "open", of: "redis", seconds: 60, by: "ada"), "purpose"),
        (ForceBreaker(worker: "w", forcing: "open", of: "", seconds: 60, by: "ada"), "purpose"),
        (ForceBreaker(worker: "w", forcing: "open", of: "commit", seconds: 0, by: "ada"), "seconds"),
        (ForceBreaker(worker: "w", forcing: "open", of: "commit", seconds: 3_601, by: "ada"), "seconds"),
        (ForceBreaker(worker: "w", forcing: "open", of: "commit", seconds: .max, by: "ada"), "seconds"),
        (ForceBreaker(worker: "w", forcing: "open", of: "commit", seconds: 60, by: ""), "actor"),
        (ForceBreaker(worker: "w", lifting: "commit", by: "\u{1b}[2J"), "actor"),
    ])
    mutating func `a request that makes no sense changes nothing and names its field`(
        request: ForceBreaker, field: String
    ) throws {
        let before = scene.core.breakers.states(scene.now)
        #expect(throws: BadField(name: field)) { try scene.core.breakers.apply(request, scene.now) }
        #expect(scene.core.breakers.states(scene.now) == before)
    }

    @Test mutating func `asking changes nothing, and lifting what nobody forced neither`() throws {
        let before = scene.core.breakers.states(scene.now)
        try scene.core.breakers.apply(ForceBreaker(worker: "worker-1"), scene.now)
        try lift()
        #expect(scene.core.breakers.states(scene.now) == before)
        #expect(scene.core.breakers.takeEvents().isEmpty)
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
