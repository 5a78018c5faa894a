package import Methods
package import Redlock
import Resilience
package import Wire

/// Serves `lock.acquire`: who waits for which lock, whose votes are being counted, who waits for a fence.
///
/// A value: calls, outcomes and times go in, effects come out. Of those that wait for one lock here, the first alone
/// contends for it (the others would only split the votes), and tries again after a random time that grows with every
/// try. A worker learns of a release by another one only by trying.
package struct LockDesk {
    /// Calls at a time.
    package static let callLimit = 4_096
    /// Of which so many may wait for a lock that another holds.
    package static let waiterLimit = 1_024
    /// How long a lock that was won waits for its fence.
    package static let fenceTime = TimeAmount.seconds(1)
    /// How long the connection that fences come by may be away before nothing is begun that needs one: the first, which
    /// is made with the first call, as long as a host may take until it is ready; later ones, as long as a lost connection
    /// takes to be replaced.
    package static let absence = (first: TimeAmount.seconds(2), later: TimeAmount.milliseconds(500))
    /// A call that waits is answered so long before its deadline, so that it hears why.
    static let margin = TimeAmount.milliseconds(50)
    /// 4, 8, 16, 32, 64, 128, 128, … ms at most, on average half of that.
    static let backoff = Backoff(base: .milliseconds(4), ceiling: .milliseconds(128))

    package enum Effect: Equatable {
        /// Try once to take the lock; ends in `voted`.
        case vote(id: UInt64, LockName, ttl: TimeAmount, leaderFirst: Bool)
        /// Take the lock's next fence; ends in `fenced`.
        case takeFence(id: UInt64, LockName)
        /// The fence is wanted no more.
        case forget(id: UInt64)
        /// Give a lease up that nobody waits for any more.
        case giveBack(Lease)
        case answer(ReplyAddress, LockVerdict)
    }

    private struct Call {
        let to: ReplyAddress
        let name: LockName
        let ttl: TimeAmount
        let received: MonotonicTime
        /// Until when it waits for the lock; `received` if it does not wait.
        let end: MonotonicTime
        var state = State.queued
        /// Tries without success.
        var failures = 0
        var isSplit = false
        var isCancelled = false
    }

    private enum State {
        /// Behind another call for the same lock. Becomes `voting`.
        case queued
        /// Becomes `fencing` or `resting`.
        case voting
        /// Between two tries. Becomes `voting`.
        case resting(until: MonotonicTime, LockVerdict)
        /// Has the lock, and waits for its fence.
        case fencing(Lease, until: MonotonicTime)
    }

    package private(set) var effects: [Effect] = []
    /// When `tick` has something to do; it may be called before.
    package private(set) var wakeTime = MonotonicTime.distantFuture
    private var calls: [UInt64: Call] = [:]
    private var ids: [ReplyAddress: UInt64] = [:]
    /// Calls that wait for a lock, by its name; the first contends.
    private var queues: [LockName: [UInt64]] = [:]
    /// Calls that time alone may end or wake.
    private var timed: Set<UInt64> = []
    private var waiters = 0
    private var isLeaving = false
    /// No lock is tried for: it would be held for nobody while it waits for its fence.
    private var isLedgerAway = false
    private var awaySince: MonotonicTime?
    private var hasHadConnection = false
    private var lastID: UInt64 = 0
    private var generator: SplitMix64

    package init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    package mutating func takeEffects() -> [Effect] {
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    // MARK: Calls

    /// - Parameter left: until the call's deadline.
    package mutating func acquire(
        _ request: AcquireLock, to: ReplyAddress, left: TimeAmount, _ now: MonotonicTime
    ) {
        guard !isLeaving else { return effects.append(.answer(to, .leaving)) }
        guard !isLedgerAway else { return effects.append(.answer(to, .ledger)) }
        let wait = max(.zero, min(.milliseconds(request.wait), left - Self.margin))
        guard calls.count < Self.callLimit, wait == .zero || waiters < Self.waiterLimit else {
            return effects.append(.answer(to, .crowded))
        }
        lastID += 1
        let id = lastID
        calls[id] = Call(
            to: to, name: request.name, ttl: .milliseconds(request.ttl), received: now, end: now + wait)
        ids[to] = id
        guard wait > .zero else { return vote(id) }
        waiters += 1
        queues[request.name, default: []].append(id)
        if queues[request.name]!.count == 1 { vote(id) } else { pause(id, .queued) }
    }

    /// The caller no longer waits. A lock that comes yet is given back.
    package mutating func cancel(_ to: ReplyAddress) {
        guard let id = ids[to] else { return }
        switch calls[id]!.state {
        case .queued, .resting: end(id)
        case .voting: calls[id]!.isCancelled = true
        case .fencing(let lease, _):
            giveUp(id, lease)
            end(id)
        }
    }

    /// A session has ended, and with it whoever waited in it: a lock that came would be nobody's until it ran out.
    package mutating func parted(_ session: UInt32) {
        // The last first, so that none of them takes the place of one before it.
        for to in calls.sorted(by: { $0.key > $1.key }).map(\.value.to) where to.session == session {
            cancel(to)
        }
    }

    /// A lock was released here: whoever waits for it here tries at once.
    package mutating func released(_ name: LockName) {
        guard let id = queues[name]?.first, case .resting = calls[id]!.state else { return }
        vote(id)
    }

    /// Nobody waits for an answer.
    package var isEmpty: Bool { calls.isEmpty }

    /// The worker leaves: who waits is sent to another, what is being decided is still decided.
    package mutating func leave() {
        isLeaving = true
        sendAway(.leaving)
    }

    /// Ends the calls that have begun nothing.
    private mutating func sendAway(_ verdict: LockVerdict) {
        // The last first, so that none of them takes the place of one before it.
        for (id, call) in calls.sorted(by: { $0.key > $1.key }) {
            switch call.state {
            case .queued, .resting: end(id, verdict)
            case .voting, .fencing: break
            }
        }
    }

    /// The worker ends: after `leave`, what is not decided yet is given back.
    package mutating func abandon() {
        for (id, call) in calls.sorted(by: { $0.key > $1.key }) {
            switch call.state {
            case .queued, .resting: end(id, .leaving)
            case .voting: calls[id]!.isCancelled = true
            case .fencing(let lease, _):
                giveUp(id, lease)
                end(id, .leaving)
            }
        }
    }

    // MARK: The ledger

    /// Told whenever the worker looks, and before each call: without a ledger there is no fence, so who asks for a lock is
    /// told at once, and who waits for one is told, too. What has been won gets its time for a fence.
    ///
    /// - Parameters:
    ///   - isWell: what the worker's other connections say.
    ///   - isConnected: whether there is a connection to take fences on.
    package mutating func saw(ledger isWell: Bool, isConnected: Bool, _ now: MonotonicTime) {
        if isConnected {
            hasHadConnection = true
            awaySince = nil
        } else if awaySince == nil {
            awaySince = now
        }
        let limit = hasHadConnection ? Self.absence.later : Self.absence.first
        isLedgerAway = !isWell || awaySince.map { now - $0 > limit } ?? false
        if isLedgerAway { sendAway(.ledger) }
    }

    // MARK: Outcomes

    /// - Parameter wait: after `noQuorum`, how long it takes at least until there may be one.
    package mutating func voted(
        _ id: UInt64, _ outcome: AcquireOutcome, wait: TimeAmount?, _ now: MonotonicTime
    ) {
        guard let call = calls[id], case .voting = call.state else {
            preconditionFailure("votes for a call that does not wait for them")
        }
        if call.isCancelled {
            if case .acquired(let lease) = outcome { effects.append(.giveBack(lease)) }
            return end(id)
        }
        switch outcome {
        case .acquired(let lease) where isLedgerAway:
            effects.append(.giveBack(lease))
            end(id, .ledger)
        case .acquired(let lease):
            pause(id, .fencing(lease, until: min(lease.validUntil, now + Self.fenceTime)))
            effects.append(.takeFence(id: id, call.name))
        case .held(let retryAfter):
            calls[id]!.isSplit = retryAfter == nil
            rest(id, atMost: retryAfter, .held(retryAfter: retryAfter ?? Self.backoff.base), now)
        case .noQuorum:
            // The leader may hang: the next try asks everybody.
            calls[id]!.isSplit = false
            let wait = wait ?? Self.backoff.ceiling
            rest(id, atMost: wait, .noQuorum(retryAfter: wait), now)
        }
    }

    /// - Parameter fence: nil if it could not be taken.
    package mutating func fenced(_ id: UInt64, _ fence: Int64?, _ now: MonotonicTime) {
        // Without the call it was given up before.
        guard let call = calls[id], case .fencing(let lease, _) = call.state else { return }
        let left = lease.validUntil - now
        guard let fence, left >= .milliseconds(1) else {
            effects.append(.giveBack(lease))
            return end(id, .ledger)
        }
        let lock = HeldLock(
            name: call.name, token: LockToken(rawValue: lease.token.rawValue), fence: fence,
            valid: left.milliseconds, waited: (now - call.received).milliseconds)
        end(id, .granted(lock))
    }

    /// A lock that was won without a fence is not waited for any more.
    private mutating func giveUp(_ id: UInt64, _ lease: Lease) {
        effects.append(.forget(id: id))
        effects.append(.giveBack(lease))
    }

    /// Not now: tries again after a while, or says so if there is no time left for that.
    private mutating func rest(
        _ id: UInt64, atMost longest: TimeAmount?, _ verdict: LockVerdict, _ now: MonotonicTime
    ) {
        guard !isLeaving else { return end(id, .leaving) }
        calls[id]!.failures += 1
        let drawn = Self.backoff.wait(after: calls[id]!.failures, random: generator.next())
        let pause = max(.milliseconds(1), min(drawn, longest ?? drawn))
        guard now + pause < calls[id]!.end else { return end(id, verdict) }
        guard !isLedgerAway else { return end(id, .ledger) }
        self.pause(id, .resting(until: now + pause, verdict))
    }

    // MARK: Time

    package mutating func tick(_ now: MonotonicTime) {
        defer { wakeTime = timed.compactMap { due(calls[$0]!) }.min() ?? .distantFuture }
        for id in timed.sorted() {
            guard let call = calls[id] else { continue }
            switch call.state {
            case .queued: if now >= call.end { end(id, .held(retryAfter: Self.backoff.ceiling)) }
            case .resting(let until, let verdict):
                if now >= call.end {
                    end(id, verdict)
                } else if now >= until {
                    vote(id)
                }
            case .fencing(let lease, let until):
                guard now >= until else { continue }
                giveUp(id, lease)
                end(id, .ledger)
            case .voting: break
            }
        }
    }

    /// When time alone does something to a call.
    private func due(_ call: Call) -> MonotonicTime? {
        switch call.state {
        case .queued: call.end
        case .resting(let until, _): min(until, call.end)
        case .fencing(_, let until): until
        case .voting: nil
        }
    }

    private mutating func pause(_ id: UInt64, _ state: State) {
        calls[id]!.state = state
        timed.insert(id)
        if let due = due(calls[id]!) { wakeTime = min(wakeTime, due) }
    }

    // MARK: Moving on

    private mutating func vote(_ id: UInt64) {
        calls[id]!.state = .voting
        let call = calls[id]!
        effects.append(.vote(id: id, call.name, ttl: call.ttl, leaderFirst: call.isSplit))
    }

    private mutating func end(_ id: UInt64, _ verdict: LockVerdict) {
        effects.append(.answer(calls[id]!.to, verdict))
        end(id)
    }

    private mutating func end(_ id: UInt64) {
        guard let call = calls.removeValue(forKey: id) else { return }
        ids[call.to] = nil
        timed.remove(id)
        guard call.end > call.received else { return }
        waiters -= 1
        queues[call.name]!.removeAll { $0 == id }
        guard let next = queues[call.name]!.first else {
            queues[call.name] = nil
            return
        }
        if case .queued = calls[next]!.state { vote(next) }
    }
}

/// How a call for a lock ends.
package enum LockVerdict: Equatable {
    case granted(HeldLock)
    case held(retryAfter: TimeAmount)
    case noQuorum(retryAfter: TimeAmount)
    /// The ledger is away, or it gave no fence in time for a lock that was won, which was given back.
    case ledger
    /// As many calls wait as this worker takes.
    case crowded
    /// This worker leaves; another serves.
    case leaving
}
