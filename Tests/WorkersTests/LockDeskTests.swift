import Methods
import Redlock
import Testing
import Wire

@testable import Workers

@Suite struct `Lock desk` {
    private var desk = LockDesk(seed: 7)
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let name = LockName("report")!

    private func to(_ call: UInt64) -> ReplyAddress { ReplyAddress(session: 1, callID: call) }

    private mutating func acquire(_ call: UInt64, wait: Int64 = 0, left: TimeAmount = .seconds(30)) {
        desk.acquire(AcquireLock(name: Self.name, ttl: 10_000, wait: wait), to: to(call), left: left, now)
    }

    private func lease(for time: TimeAmount = .seconds(9)) -> Lease {
        Lease(resource: "report", token: LeaseToken(rawValue: 5), validUntil: now + time)
    }

    /// The ids of the calls that contend now, and whether they ask the leader first.
    private mutating func votes() -> [(id: UInt64, leaderFirst: Bool)] {
        desk.takeEffects().compactMap {
            if case .vote(let id, _, _, let leaderFirst) = $0 { (id, leaderFirst) } else { nil }
        }
    }

    private mutating func answers() -> [ReplyAddress: LockVerdict] {
        var answers: [ReplyAddress: LockVerdict] = [:]
        for case .answer(let to, let verdict) in desk.takeEffects() { answers[to] = verdict }
        return answers
    }

    /// Lets time pass up to the next thing that the desk has to do.
    private mutating func wake() {
        now = max(now, desk.wakeTime)
        desk.tick(now)
    }

    // MARK: Tests

    @Test mutating func `who wins the votes is answered with a fence, and how long it took`() {
        acquire(1)
        desk.voted(votes()[0].id, .acquired(lease()), wait: nil, now)
        #expect(desk.takeEffects() == [.takeFence(id: 1, Self.name)])
        now = now + .milliseconds(3)
        desk.fenced(1, 42, now)
        let lock = HeldLock(
            name: Self.name, token: LockToken(rawValue: 5), fence: 42, valid: 8_997, waited: 3)
        #expect(answers() == [to(1): .granted(lock)])
    }

    @Test mutating func `who does not wait is refused at once, with a time`() {
        acquire(1)
        desk.voted(votes()[0].id, .held(retryAfter: .seconds(2)), wait: nil, now)
        #expect(answers() == [to(1): .held(retryAfter: .seconds(2))])
        acquire(2)
        desk.voted(votes()[0].id, .noQuorum, wait: .milliseconds(300), now)
        #expect(answers() == [to(2): .noQuorum(retryAfter: .milliseconds(300))])
    }

    @Test mutating func `of those that wait for one lock here one contends, in the order of their coming`() {
        for call in 1...3 { acquire(UInt64(call), wait: 5_000) }
        #expect(votes().map(\.id) == [1])
        desk.voted(1, .acquired(lease()), wait: nil, now)
        #expect(votes().isEmpty)
        desk.fenced(1, 1, now)
        #expect(votes().map(\.id) == [2])
        desk.voted(2, .held(retryAfter: .seconds(9)), wait: nil, now)
        #expect(votes().isEmpty)
        // A release here is not waited for by trying.
        desk.released(Self.name)
        #expect(votes().map(\.id) == [2])
    }

    @Test mutating func `tries go on until the wait is over, after a split vote with the leader first`() {
        acquire(1, wait: 2_000)
        let end = now + .seconds(2)
        var tries = 0
        while case let votes = votes(), !votes.isEmpty {
            tries += 1
            #expect(votes.map(\.leaderFirst) == [tries > 1])
            desk.voted(1, .held(retryAfter: nil), wait: nil, now)
            if desk.wakeTime == .distantFuture { break }
            wake()
        }
        #expect(tries > 10 && tries < 200)
        #expect(now <= end)
        #expect(answers() == [to(1): .held(retryAfter: .milliseconds(4))] || now < end)
    }

    @Test mutating func `after a leader that did not answer everybody is asked again`() {
        acquire(1, wait: 5_000)
        #expect(votes().map(\.leaderFirst) == [false])
        desk.voted(1, .held(retryAfter: nil), wait: nil, now)
        wake()
        #expect(votes().map(\.leaderFirst) == [true])
        desk.voted(1, .noQuorum, wait: nil, now)
        wake()
        #expect(votes().map(\.leaderFirst) == [false])
    }

    @Test mutating func `a wait ends before the call's deadline, so that the caller hears why`() {
        acquire(1, wait: 60_000, left: .milliseconds(500))
        acquire(2, wait: 60_000, left: .milliseconds(500))
        let deadline = now + .milliseconds(500)
        var told: [ReplyAddress: LockVerdict] = [:]
        while told.count < 2, now < deadline {
            for effect in desk.takeEffects() {
                switch effect {
                case .vote(let id, _, _, _): desk.voted(id, .held(retryAfter: .seconds(9)), wait: nil, now)
                case .answer(let to, let verdict): told[to] = verdict
                case .takeFence, .forget, .giveBack: Issue.record("\(effect)")
                }
            }
            if desk.effects.isEmpty, told.count < 2 { wake() }
        }
        #expect(told.count == 2)
        #expect(now <= deadline - LockDesk.margin)
    }

    @Test mutating func `a lock without a fence in time is given back`() {
        acquire(1)
        _ = votes()
        desk.voted(1, .acquired(lease()), wait: nil, now)
        _ = desk.takeEffects()
        let start = now
        wake()
        #expect(now == start + LockDesk.fenceTime)
        #expect(
            desk.takeEffects() == [
                .forget(id: 1), .giveBack(lease(for: .seconds(8))), .answer(to(1), .ledger),
            ])
        // What comes later is for nobody.
        desk.fenced(1, 3, now)
        #expect(desk.effects.isEmpty)
    }

    @Test mutating func `a lock is held for nobody for a second at most, however long its call would wait`() {
        acquire(1, wait: 20_000)
        _ = votes()
        now = now + .seconds(5)
        desk.voted(1, .acquired(lease()), wait: nil, now)
        _ = desk.takeEffects()
        let won = now
        wake()
        #expect(now == won + LockDesk.fenceTime)
        #expect(answers() == [to(1): .ledger])
    }

    @Test mutating func `while the ledger is away nobody tries for a lock, and who asks is told at once`() {
        desk.saw(ledger: false, isConnected: true, now)
        acquire(1, wait: 30_000)
        acquire(2)
        #expect(desk.takeEffects() == [.answer(to(1), .ledger), .answer(to(2), .ledger)])
        #expect(desk.isEmpty && desk.wakeTime == .distantFuture)
        desk.saw(ledger: true, isConnected: true, now)
        acquire(3)
        #expect(votes().count == 1)
    }

    @Test mutating func `the first connection gets its time, and a lost one the time to be replaced`() {
        var call: UInt64 = 0
        for limit in [LockDesk.absence.first, LockDesk.absence.later] {
            desk.saw(ledger: true, isConnected: false, now)
            now = now + limit
            desk.saw(ledger: true, isConnected: false, now)
            acquire(call + 1)
            #expect(votes().count == 1)
            now = now + .milliseconds(1)
            desk.saw(ledger: true, isConnected: false, now)
            acquire(call + 2)
            #expect(answers() == [to(call + 2): .ledger])
            desk.saw(ledger: true, isConnected: true, now)
            call += 2
        }
    }

    @Test mutating func `when the ledger goes away who waits is told, and what is won then is given back`() {
        for call in 1...3 { acquire(UInt64(call), wait: 30_000) }
        #expect(votes().map(\.id) == [1])
        desk.saw(ledger: false, isConnected: false, now)
        #expect(answers() == [to(2): .ledger, to(3): .ledger])
        desk.voted(1, .acquired(lease()), wait: nil, now)
        #expect(desk.takeEffects() == [.giveBack(lease()), .answer(to(1), .ledger)])
        #expect(desk.isEmpty)
    }

    @Test mutating func `a fence that is on its way when the ledger seems to go away still counts`() {
        acquire(1, wait: 30_000)
        _ = votes()
        desk.voted(1, .acquired(lease()), wait: nil, now)
        #expect(desk.takeEffects() == [.takeFence(id: 1, Self.name)])
        desk.saw(ledger: false, isConnected: true, now)
        #expect(desk.effects.isEmpty)
        desk.fenced(1, 42, now)
        guard case .granted(let lock)? = answers()[to(1)] else {
            Issue.record("it was not granted")
            return
        }
        #expect(lock.fence == 42)
    }

    @Test mutating func `who still waits when the ledger goes away is told with the next try`() {
        acquire(1, wait: 30_000)
        acquire(2)
        _ = votes()
        desk.saw(ledger: false, isConnected: true, now)
        desk.voted(1, .held(retryAfter: .seconds(9)), wait: nil, now)
        desk.voted(2, .held(retryAfter: .seconds(9)), wait: nil, now)
        #expect(answers() == [to(1): .ledger, to(2): .held(retryAfter: .seconds(9))])
    }

    @Test mutating func `no fence is taken for a caller that has gone`() {
        acquire(1)
        acquire(2)
        _ = votes()
        for id in 1...2 { desk.voted(UInt64(id), .acquired(lease()), wait: nil, now) }
        #expect(desk.takeEffects() == [.takeFence(id: 1, Self.name), .takeFence(id: 2, Self.name)])
        desk.cancel(to(1))
        #expect(desk.takeEffects() == [.forget(id: 1), .giveBack(lease())])
        desk.fenced(1, 7, now)
        #expect(desk.effects.isEmpty, "it was on its way")
        desk.fenced(2, 8, now)
        #expect(Set(answers().keys) == [to(2)])
    }

    @Test mutating func `a fence that comes after the lease has ended is of no use`() {
        acquire(1)
        _ = votes()
        desk.voted(1, .acquired(lease(for: .milliseconds(20))), wait: nil, now)
        _ = desk.takeEffects()
        now = now + .milliseconds(20)
        desk.fenced(1, 3, now)
        #expect(answers() == [to(1): .ledger])
    }

    @Test mutating func `a caller that has gone leaves nothing behind`() {
        acquire(1, wait: 5_000)
        acquire(2, wait: 5_000)
        _ = votes()
        desk.cancel(to(1))
        desk.voted(1, .acquired(lease()), wait: nil, now)
        let effects = desk.takeEffects()
        #expect(effects.contains(.giveBack(lease())))
        #expect(effects.contains(.vote(id: 2, Self.name, ttl: .seconds(10), leaderFirst: false)))
        desk.voted(2, .held(retryAfter: nil), wait: nil, now)
        desk.cancel(to(2))
        desk.tick(now)
        #expect(desk.effects.isEmpty && desk.wakeTime == .distantFuture)
    }

    @Test mutating func `the calls of a session that ended contend no more, and those of another go on`() {
        for call in 1...3 { acquire(UInt64(call), wait: 5_000) }
        let other = ReplyAddress(session: 2, callID: 1)
        desk.acquire(
            AcquireLock(name: Self.name, ttl: 10_000, wait: 5_000), to: other, left: .seconds(30), now)
        #expect(votes().map(\.id) == [1])
        desk.voted(1, .held(retryAfter: nil), wait: nil, now)
        desk.parted(1)
        #expect(votes().map(\.id) == [4])
        desk.voted(4, .acquired(lease()), wait: nil, now)
        desk.fenced(4, 1, now)
        #expect(Set(answers().keys) == [other])
        #expect(desk.wakeTime >= now)
        wake()
        #expect(desk.effects.isEmpty && desk.wakeTime == .distantFuture)
    }

    @Test mutating func `a lock that is won for a session that ended is given back`() {
        acquire(1)
        _ = votes()
        desk.parted(1)
        desk.voted(1, .acquired(lease()), wait: nil, now)
        #expect(desk.takeEffects() == [.giveBack(lease())])
    }

    @Test mutating func `a worker that leaves sends away who waits, and ends what it has begun`() {
        for call in 1...3 { acquire(UInt64(call), wait: 5_000) }
        _ = votes()
        desk.leave()
        #expect(answers() == [to(2): .leaving, to(3): .leaving])
        desk.voted(1, .held(retryAfter: nil), wait: nil, now)
        acquire(4, wait: 5_000)
        #expect(answers() == [to(1): .leaving, to(4): .leaving])
    }

    @Test mutating func `a worker that ends gives back what it has not decided`() {
        for call in 1...2 {
            desk.acquire(
                AcquireLock(name: LockName("lock-\(call)")!, ttl: 10_000, wait: 5_000), to: to(UInt64(call)),
                left: .seconds(30), now)
        }
        _ = votes()
        desk.voted(1, .acquired(lease()), wait: nil, now)
        _ = desk.takeEffects()
        desk.leave()
        #expect(desk.effects.isEmpty && !desk.isEmpty)
        desk.abandon()
        #expect(desk.takeEffects() == [.forget(id: 1), .giveBack(lease()), .answer(to(1), .leaving)])
        desk.voted(2, .acquired(lease()), wait: nil, now)
        #expect(desk.takeEffects() == [.giveBack(lease())])
        #expect(desk.isEmpty)
    }

    @Test mutating func `more waiters than there is room for are refused`() {
        for call in 0..<UInt64(LockDesk.waiterLimit) { acquire(call, wait: 1_000) }
        _ = desk.takeEffects()
        acquire(99_999, wait: 1_000)
        #expect(answers() == [to(99_999): .crowded])
        acquire(100_000)
        #expect(votes().count == 1, "who does not wait finds room")
    }
}
