import Ledger
import Logging
import Methods
import Redlock
import Resilience
import Sales
import Wire
import ZeroMQ

/// What a worker has for locks of services: nodes of their own connections, a desk, and who waits for fences.
final class LockService {
    /// Their keys: no service may touch the leases of partitions.
    static let keyPrefix = "stampede:lock:"

    let manager: LockManager
    let ledger: LedgerLink
    var desk: LockDesk
    /// Won locks that wait for their fences, by the desk's calls, which bound them.
    var unfenced: [UInt64: LockName] = [:]
    var isFencing = false
    /// The ledger is connected to with the first lock.
    var isUsed = false
    var alarm: (timer: EventLoop.TimerID, time: MonotonicTime)?

    init(manager: LockManager, ledger: LedgerLink, seed: UInt64) {
        self.manager = manager
        self.ledger = ledger
        desk = LockDesk(seed: seed)
    }
}

extension Worker {
    /// The ledger has told what this cluster is: locks can be served.
    func beginLocks(anyLock: Bool) {
        let longest = TimeAmount.milliseconds(LockLimits.ttl.upperBound)
        let manager = LockManager(
            nodes: configuration.redis,
            configuration: LockConfiguration(
                ttl: .seconds(10), longestTTL: longest, quarantine: anyLock, keyPrefix: LockService.keyPrefix),
            loop: loop, random: { [unowned self] in random() })
        let ledger = LedgerLink(
            configuration: LedgerConfiguration(
                dsn: configuration.ledger, name: configuration.name + "/locks"),
            loop: loop, logger: logger)
        ledger.onReady = { [unowned self] in lockLedgerReady($0) }
        ledger.onFailed = { [unowned self] in core?.breakers.lost(.locks, .now()) }
        lockService = LockService(manager: manager, ledger: ledger, seed: random())
    }

    /// Fences are taken where orders are committed, or not at all: another incarnation may give old ones again.
    private func lockLedgerReady(_ facts: LedgerFacts) {
        guard facts.incarnation != incarnation else { return takeLockFences() }
        // One of the two is no longer the ledger. The connections that commit find out which: until then this one
        // tries four times a second.
        loop.schedule(after: .milliseconds(250)) { [weak self] in
            guard let self, let incarnation else { return }
            lockService?.ledger.drop(unless: incarnation)
            takeLockFences()
        }
    }

    /// Connects to the ledger if that is needed and it is time.
    func tendLocks(_ now: MonotonicTime) {
        guard let service = lockService, service.isUsed else { return }
        service.ledger.tend(now, random())
        probeLockLedger(service, now)
        lookAtLedger(service, now)
        tendDesk()
    }

    /// No fence changes nothing, and shows that fences can be taken.
    private func probeLockLedger(_ service: LockService, _ now: MonotonicTime) {
        guard let connection = fencingConnection(service), let probe = core?.breakers.locks.admitProbe(now)
        else { return }
        connection.takeLockFences([]) { [weak self] result in
            self?.core?.breakers.locks.record(probe, result.outcome, .now())
        }
    }

    private func lookAtLedger(_ service: LockService, _ now: MonotonicTime) {
        guard let core else { return }
        service.desk.saw(
            ledger: core.isLedgerReady && core.isChecked(now) && core.breakers.mayTake
                && core.breakers.locks.letsPass,
            isConnected: fencingConnection(service) != nil, now)
    }

    /// Fences are taken where orders are committed.
    private func fencingConnection(_ service: LockService) -> LedgerConnection? {
        guard let connection = service.ledger.connection, connection.isReady,
            connection.facts?.incarnation == incarnation
        else { return nil }
        return connection
    }

    // MARK: Calls

    func acquireLock(_ body: AcquireLock, _ header: Header, _ to: ReplyAddress) {
        guard let service = lockService else { return }
        if !service.isUsed {
            service.isUsed = true
            service.ledger.tend(loop.now, random())
        }
        lookAtLedger(service, .now())
        guard core?.breakers.locks.refusal(.now()) == nil else { return refuseLock(to, .ledger) }
        let left =
            header.milliseconds == 0
            ? Limits.defaultDeadline : TimeAmount.milliseconds(Int64(header.milliseconds))
        service.desk.acquire(body, to: to, left: left, .now())
        tendDesk()
    }

    func extendLock(_ body: ExtendLock, _ to: ReplyAddress) {
        guard let service = lockService else { return }
        let received = MonotonicTime.now()
        // How long the caller may still use it, the caller alone knows. The nodes know whether it is still his.
        let lease = Lease(body.name, body.token)
        service.manager.extend(lease, ttl: .milliseconds(body.ttl)) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .extended(let lease):
                let now = MonotonicTime.now()
                answer(
                    to,
                    ExtendedLock(
                        valid: (lease.validUntil - now).milliseconds, waited: (now - received).milliseconds))
            case .taken, .vanished:
                refuse(
                    to, .failedPrecondition, .lockLost, .executed, after: .zero,
                    "The lock has ended, and another may have it. Stop what was done under it; acquire it anew."
                )
            case .noQuorum:
                refuseLock(to, .noQuorum(retryAfter: service.manager.waitForQuorum ?? .milliseconds(20)))
            }
        }
    }

    func releaseLock(_ body: ReleaseLock, _ to: ReplyAddress) {
        guard let service = lockService else { return }
        releases += 1
        service.manager.release(Lease(body.name, body.token)) { [weak self] in
            guard let self else { return }
            releases -= 1
            answer(to, Empty())
            service.desk.released(body.name)
            tendDesk()
        }
    }

    /// The worker drains: who waits for a lock is sent to another.
    func leaveLocks() {
        lockService?.desk.leave()
        tendDesk()
    }

    /// The worker has waited long enough for what was being decided.
    func abandonLocks() {
        lockService?.desk.abandon()
        tendDesk()
    }

    /// Gives a lock back to the nodes. A worker that leaves waits for it, as for the leases of partitions.
    private func giveBack(_ lease: Lease, _ service: LockService) {
        releases += 1
        service.manager.release(lease) { [weak self] in self?.releases -= 1 }
    }

    func cancelLock(_ to: ReplyAddress) {
        guard let service = lockService else { return }
        service.desk.cancel(to)
        tendDesk()
    }

    /// A session with a broker has ended.
    func partLocks(from session: UInt32) {
        lockService?.desk.parted(session)
        tendDesk()
    }

    // MARK: Desk

    private func tendDesk() {
        guard let service = lockService else { return }
        while !service.desk.effects.isEmpty {
            for effect in service.desk.takeEffects() { perform(effect, service) }
        }
        takeLockFences()
        setAlarm(service)
    }

    private func perform(_ effect: LockDesk.Effect, _ service: LockService) {
        switch effect {
        case .vote(let id, let name, let ttl, let leaderFirst):
            service.manager.acquire(name.rawValue, ttl: ttl, leaderFirst: leaderFirst) {
                [weak self] outcome in
                guard let self else { return }
                let wait = outcome == .noQuorum ? service.manager.waitForQuorum : nil
                service.desk.voted(id, outcome, wait: wait, .now())
                tendDesk()
            }
        case .takeFence(let id, let name): service.unfenced[id] = name
        case .forget(let id): service.unfenced[id] = nil
        case .giveBack(let lease): giveBack(lease, service)
        case .answer(let to, .granted(let lock)):
            // Who cannot be told has no lock.
            if !answer(to, lock) { giveBack(Lease(lock.name, lock.token), service) }
        case .answer(let to, let verdict): refuseLock(to, verdict)
        }
    }

    /// Takes the fences of all that wait in one call, one call at a time: under load they come in batches.
    private func takeLockFences() {
        guard let service = lockService, !service.isFencing, !service.unfenced.isEmpty,
            let connection = fencingConnection(service)
        else { return }
        // Calls are numbered in the order of their coming.
        let batch = service.unfenced.sorted { $0.key < $1.key }.prefix(LedgerConnection.lockFenceLimit)
        for (id, _) in batch { service.unfenced[id] = nil }
        service.isFencing = true
        let permit = core?.breakers.locks.begin(.now())
        connection.takeLockFences(batch.map(\.value.rawValue)) { [weak self] result in
            guard let self else { return }
            service.isFencing = false
            let now = MonotonicTime.now()
            if let permit { core?.breakers.locks.record(permit, result.outcome, now) }
            switch result {
            case .success(let fences):
                for (waiting, fence) in zip(batch, fences) {
                    service.desk.fenced(waiting.key, fence.rawValue, now)
                }
            case .failure(let error):
                logger.warning("Cannot take the fences of locks", metadata: ["error": "\(error)"])
                for waiting in batch { service.desk.fenced(waiting.key, nil, now) }
            }
            tendDesk()
        }
    }

    private func setAlarm(_ service: LockService) {
        let time = service.desk.wakeTime
        guard time < .distantFuture, service.alarm.map({ time < $0.time }) ?? true else { return }
        if let alarm = service.alarm { loop.cancel(alarm.timer) }
        let timer = loop.schedule(after: max(.zero, time - .now())) { [weak self] in
            service.alarm = nil
            service.desk.tick(.now())
            self?.tendDesk()
        }
        service.alarm = (timer, time)
    }

    // MARK: Answers

    private func refuseLock(_ to: ReplyAddress, _ verdict: LockVerdict) {
        switch verdict {
        case .granted(let lock): answer(to, lock)
        case .held(let retryAfter):
            refuse(
                to, .aborted, .lockHeld, .executed, after: retryAfter,
                "Another holds the lock; ask to wait for it, or try again later.")
        case .noQuorum(let retryAfter):
            refuse(
                to, .unavailable, .noQuorum, .notExecuted, after: retryAfter,
                "Too few Redis nodes can vote on the lock now. Try again after the time given.")
        case .ledger:
            let isOpenFor = core?.breakers.locks.retryAfter(.now()) ?? .zero
            refuse(
                to, .unavailable, .ledgerUnavailable, .notExecuted,
                after: isOpenFor > .zero ? max(isOpenFor, .milliseconds(50)) : .milliseconds(250),
                "The ledger gives no fence now, and so there is no lock. Try again after the time given."
            )
        case .leaving:
            refuse(
                to, .unavailable, .draining, .notExecuted, after: .milliseconds(20),
                "This worker leaves; another will serve the call.")
        case .crowded:
            refuse(
                to, .resourceExhausted, .overloaded, .notExecuted, after: .milliseconds(100),
                "As many calls wait for locks as this worker takes. Try again after the time given.")
        }
    }
}

extension Result where Success == [Fence], Failure == LedgerError {
    /// What a breaker learns from it.
    fileprivate var outcome: CircuitBreaker.Outcome {
        switch self {
        case .success: .success
        case .failure(let error): error.outcome
        }
    }
}

extension Lease {
    /// A lease that somebody else keeps, and whose end only he knows.
    fileprivate init(_ name: LockName, _ token: LockToken) {
        self.init(
            resource: name.rawValue, token: LeaseToken(rawValue: token.rawValue), validUntil: .distantFuture)
    }
}
