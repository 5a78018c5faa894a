import Ledger
import Methods
import Redlock
import Resilience
import Sales
import Wire

@testable import Ledger
@testable import Workers

/// A core and what its shell would do for it, on the model's ledger, leases and broker.
final class ModelWorker {
    let name: String
    unowned let world: World
    var core: WorkerCore
    /// Outcomes for an earlier life are nobody's.
    private(set) var life = 0
    private(set) var pausedUntil = MonotonicTime.distantPast
    /// Until then nothing reaches the ledger.
    private var cutOffUntil = MonotonicTime.distantPast
    private var incarnation = 0
    private var isChecking = false
    /// What came during a pause, in order.
    private var inbox: [(life: Int, action: (ModelWorker) -> Void)] = []
    /// One connection answers in order.
    private var lastExecution = MonotonicTime.distantPast
    private var lastReply = MonotonicTime.distantPast

    init(_ name: String, _ world: World) {
        self.name = name
        self.world = world
        core = ModelWorker.newCore(name, world)
    }

    private static func newCore(_ name: String, _ world: World) -> WorkerCore {
        var configuration = WorkerConfiguration(
            name: name, brokers: [], redis: [], ledger: "", leaseTTL: World.ttl)
        configuration.onQuorumLoss = world.onQuorumLoss
        // Small, so that the bound is reached.
        configuration.maximumEntries = 8
        var core = WorkerCore(
            configuration: configuration, partitions: World.partitions, seed: world.draw())
        core.isLedgerReady = true
        return core
    }

    var isPaused: Bool { world.now < pausedUntil }

    func start() {
        every(.milliseconds(50)) { $0.core.tick($0.world.now) }
        every(.milliseconds(100)) { $0.world.broker.heard($0) }
        every(.milliseconds(250)) { $0.check() }
    }

    private func every(_ interval: TimeAmount, _ action: @escaping (ModelWorker) -> Void) {
        after(interval) { worker in
            action(worker)
            worker.every(interval, action)
        }
    }

    // MARK: Life and death

    func pause(_ amount: TimeAmount) {
        pausedUntil = max(pausedUntil, world.now + amount)
        world.schedule(at: pausedUntil) { [self] in
            guard !isPaused else { return }
            let waiting = inbox
            inbox = []
            for (life, action) in waiting { receive(life, action) }
        }
    }

    /// Ends the process; another of the same name begins at once.
    func restart() {
        life += 1
        world.broker.lost(self)
        core = ModelWorker.newCore(name, world)
        incarnation = world.ledger.incarnation
        (isChecking, pausedUntil, inbox) = (false, .distantPast, [])
        (lastExecution, lastReply) = (.distantPast, .distantPast)
        start()
    }

    /// Nothing reaches the ledger for a while.
    func cutOff(_ amount: TimeAmount) {
        cutOffUntil = max(cutOffUntil, world.now + amount)
        after(.zero) {
            $0.core.ledgerLost(.control, $0.world.now)
        }
        after(amount) { $0.core.isLedgerReady = true }
    }

    /// The control connection answers nothing for a while, then everything.
    func stall(_ amount: TimeAmount) { lastReply = max(lastReply, world.now + amount) }

    func heal() { cutOffUntil = .distantPast }

    /// The ledger failed over; this worker finds out now.
    func learnIncarnation() {
        guard incarnation != world.ledger.incarnation else { return }
        incarnation = world.ledger.incarnation
        core.incarnationChanged(world.now)
    }

    /// Something happens to this worker after a while, or when its pause is over. Then its turn ends.
    func after(_ amount: TimeAmount, _ action: @escaping (ModelWorker) -> Void) {
        deliver(at: world.now + amount, life, action)
    }

    private func deliver(at time: MonotonicTime, _ life: Int, _ action: @escaping (ModelWorker) -> Void) {
        world.schedule(at: time) { [self] in
            if isPaused { inbox.append((life, action)) } else { receive(life, action) }
        }
    }

    private func receive(_ life: Int, _ action: (ModelWorker) -> Void) {
        guard life == self.life else { return }
        action(self)
        endTurn()
    }

    // MARK: A turn

    /// As `Worker.flush`.
    private func endTurn() {
        var index = 0
        while index < core.effects.count {
            perform(core.effects[index])
            index += 1
        }
        core.effects.removeAll()
        sendAnswers()
        if !isCutOff, let batches = core.nextTransaction(world.now) { commit(batches) }
        sendAnswers()
    }

    private func sendAnswers() {
        for answer in core.answers {
            world.clients.answered(answer, by: self)
        }
        core.answers.removeAll()
    }

    private func perform(_ effect: WorkerEffect) {
        let sent = world.now
        switch effect {
        case .acquire(let partition, let epoch):
            redis {
                $0.acquire("partition:\(partition)", ttl: World.ttl, sent: sent, $1)
            } then: {
                $0.core.acquired($1, partition, epoch: epoch, $0.world.now)
            }
        case .extend(let partition, let epoch, let lease):
            redis {
                $0.extend(lease, ttl: World.ttl, sent: sent, $1)
            } then: {
                $0.core.extended($1, partition, epoch: epoch, $0.world.now)
            }
        case .release(let lease):
            redis { leases, _ in
                leases.release(lease)
            } then: { _, _ in
            }
        case .releaseAndAnswer(let lease, let successor):
            redis {
                leases, _ in
                leases.release(lease)
            } then: { worker, _ in
                worker.core.answer(successor, 0, .yielded)
            }
        case .takeFence(let partition, let epoch):
            ask { [name] in
                $0.takeFence(Int(partition.rawValue), by: name)
            } then: {
                $0.core.tookFence($1, epoch: epoch, sent: sent, $0.world.now)
            } failed: {
                $0.core.takingFailed(partition, epoch: epoch, $0.world.now)
            }
        case .load(let partition, let epoch, let after):
            ask {
                $0.load(Int(partition.rawValue), after: after, limit: 16)
            } then: {
                $0.core.loaded($1, partition, epoch: epoch, $0.world.now)
            } failed: {
                $0.core.takingFailed(partition, epoch: epoch, $0.world.now)
            }
        case .renewFences(let held):
            let fences = held.map { (partition: Int($0.partition.rawValue), fence: $0.fence.rawValue) }
            ask { [name] in
                $0.renewFences(fences, by: name)
            } then: {
                $0.core.renewed($1, sent: sent, $0.world.now)
            } failed: {
                $0.core.resolutionFailed()
            }
        case .checkBatch(let partition, let batch, let fence):
            ask {
                $0.hasBatch(Int(partition.rawValue), batch, fence.rawValue)
            } then: {
                $0.core.batchChecked(partition, isCommitted: $1, $0.world.now)
            } failed: {
                $0.core.resolutionFailed()
            }
        case .own(let partition): world.broker.owns(self, Int(partition.rawValue))
        case .disown(let partition, _): world.broker.disowns(self, Int(partition.rawValue))
        case .askYield(let partition): world.broker.askYield(partition, for: self)
        case .drained: world.schedule(at: world.now) { [self, life] in if life == self.life { restart() } }
        case .note(.badBook(let partition)): world.violate("the book of \(partition) has a gap")
        case .beat, .sayDraining, .note: break
        }
    }

    // MARK: Redis

    private func redis<Outcome>(
        _ call: @escaping (inout ModelLeases, MonotonicTime) -> Outcome,
        then: @escaping (ModelWorker, Outcome) -> Void
    ) {
        world.schedule(at: world.now + world.delay()) { [self, life] in
            let outcome = call(&world.leases, world.now)
            deliver(at: world.now + world.delay(), life) { then($0, outcome) }
        }
    }

    // MARK: The ledger

    private var isCutOff: Bool { world.now < cutOffUntil || !core.isLedgerReady }

    /// A statement on the control connection. It may be lost on its way there, or its answer on the way back.
    private func ask<Value>(
        _ statement: @escaping (inout ModelLedger) -> Value, then: @escaping (ModelWorker, Value) -> Void,
        failed: @escaping (ModelWorker) -> Void
    ) {
        let fate = world.isCalm ? 2 : Int(world.draw() % 40)
        lastExecution = max(lastExecution, world.now + world.delay())
        let (sentLife, sentIncarnation) = (life, incarnation)
        lastReply = max(lastReply, lastExecution + world.delay())
        let reply = lastReply
        let isCutOff = world.now < cutOffUntil
        world.schedule(at: lastExecution) { [self] in
            guard fate != 0, !isCutOff, world.now >= cutOffUntil,
                sentIncarnation == world.ledger.incarnation
            else { return deliver(at: reply, sentLife, failed) }
            let value = statement(&world.ledger)
            deliver(at: reply, sentLife) { if fate == 1 { failed($0) } else { then($0, value) } }
        }
    }

    private func check() {
        guard !isChecking else { return }
        isChecking = true
        let (sent, held) = (world.now, core.held.map { Int($0.rawValue) })
        ask { [world] ledger in
            (held.map { ledger.ownership($0) }, world.clock)
        } then: {
            $0.isChecking = false
            $0.core.checked($1.0, ledger: $1.1, sent: sent, $0.world.now)
        } failed: {
            $0.isChecking = false
        }
    }

    private enum Fate {
        case executed
        /// Never reaches the ledger.
        case lostBefore
        /// Is written, and nobody says so.
        case lostAfter
        /// Given up by the worker, and written later if the ledger still takes it.
        case late
        case unsent(isOutage: Bool)
    }

    private func fate() -> Fate {
        if world.isCalm { return .executed }
        switch world.draw() % 40 {
        case 0, 1: return .lostBefore
        case 2, 3: return .lostAfter
        case 4, 5: return .late
        case 6: return .unsent(isOutage: false)
        case 7: return .unsent(isOutage: true)
        default: return .executed
        }
    }

    private func commit(_ batches: [Batch]) {
        let sent = world.now
        let there = world.delay()
        // An answer may hang for long, over a fail-over or a lost lease, too.
        let isSlow = !world.isCalm && world.draw() % 16 == 0
        let back = isSlow ? world.upTo(.milliseconds(1_500)) : world.delay()
        let (sentLife, sentIncarnation) = (life, incarnation)
        let fate = fate()
        switch fate {
        case .executed, .lostAfter:
            world.schedule(at: sent + there) { [self] in
                guard sentIncarnation == world.ledger.incarnation else {
                    return deliver(at: world.now + back, sentLife) { $0.lostCommit() }
                }
                let outcome = write(batches)
                deliver(at: world.now + back, sentLife) {
                    if case .lostAfter = fate { $0.lostCommit() } else { $0.ended(outcome, sent) }
                }
            }
        case .lostBefore:
            after(there) { $0.lostCommit() }
        case .late:
            after(there) { $0.lostCommit() }
            world.schedule(at: sent + there + world.upTo(.milliseconds(1_500))) { [self] in
                if sentIncarnation == world.ledger.incarnation { _ = write(batches) }
            }
        case .unsent(let isOutage):
            after(there) { $0.core.failed(isOutage: isOutage, $0.world.now) }
        }
    }

    private func write(_ batches: [Batch]) -> ModelLedger.Outcome {
        world.ledger.commit(batches, by: name, clock: world.clock, world.now)
    }

    private func ended(_ outcome: ModelLedger.Outcome, _ sent: MonotonicTime) {
        switch outcome {
        case .committed: core.committed(sent: sent, world.now)
        case .fenced(let partitions): core.fenced(partitions, world.now)
        case .stale: core.stale(world.now)
        case .refused: core.refused(world.now)
        }
    }

    /// As when the connection for commits is lost, and the outcome of what was on the lost connection.
    private func lostCommit() {
        core.ledgerLost(.commit, world.now)
        core.unknown(world.now)
        after(world.upTo(.milliseconds(400))) { $0.core.isLedgerReady = true }
    }
}
