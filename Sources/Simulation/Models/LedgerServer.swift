import Ledger
import PlantedBugs
import Sales
import Wire

/// A modelled Postgres: sessions, row locks, and transactions that take their time between the locks and the end of
/// COMMIT. Not a `Process`: its backends go on when their clients are gone.
final class LedgerServer {
    enum Statement {
        case commit([Batch])
        case takeFence(Int)
        case renewFences([(partition: Int, fence: Int64)])
        case check([Int])
        case load(Int, after: Int64, limit: Int)
        case hasBatch(Int, Int64, Int64)

        var rows: [Int] {
            switch self {
            case .commit(let batches): batches.map { Int($0.partition.rawValue) }
            case .takeFence(let partition): [partition]
            case .renewFences(let held): held.map(\.partition)
            case .check, .load, .hasBatch: []
            }
        }
    }

    enum Answer {
        case commit(LedgerModel.CommitResult)
        case owned([Ownership])
        case checked([Ownership], LedgerTime)
        case entries([Entry])
        case boolean(Bool)
        /// `55P03`, for a commit: others wait and end the holder.
        case lockNotAvailable
    }

    /// A transaction that holds rows, from its locks to the end of its COMMIT.
    private final class Transaction {
        let rows: [Int]
        let began: MonotonicTime
        var isAborted = false
        init(_ rows: [Int], _ began: MonotonicTime) { (self.rows, self.began) = (rows, began) }
    }

    private struct Waiter {
        let session: LedgerSession
        let statement: Statement
        let order: Int
        /// The row's state as it was when the statement began: for who reads it too early.
        let early: Ownership?
    }

    unowned let world: World
    var model: LedgerModel
    private(set) var incarnation = Incarnation(systemIdentifier: 7, timeline: 1)
    private(set) var isUp = true
    private var sessions: [LedgerSession] = []
    private var holders: [Int: Transaction] = [:]
    private var waiting: [Waiter] = []
    private var order = 0
    var slowUntil = MonotonicTime.distantPast
    /// Transactions that begin until then hang for as long as this.
    var hang: (until: MonotonicTime, time: TimeAmount) = (.distantPast, .zero)

    /// What happens to whom as soon as its next transaction holds its rows, and for how long that hangs.
    var traps: [(partition: Int, time: TimeAmount, spring: (_ owner: String) -> Void)] = []

    init(_ world: World, _ model: LedgerModel) {
        self.world = world
        self.model = model
    }

    /// By the server's wall clock.
    var time: LedgerTime { LedgerTime(rawValue: 1_700_000_000_000_000 + world.now.nanoseconds / 1_000) }

    // MARK: Life

    func connected(_ session: LedgerSession) { sessions.append(session) }

    func disconnected(_ session: LedgerSession) { sessions.removeAll { $0 === session } }

    /// Immediate stop: what had not committed is gone, and every session breaks.
    func stop() {
        guard isUp else { return }
        isUp = false
        breakAll()
    }

    func start() { isUp = true }

    /// A synchronous standby takes over: everything that committed is there, under a new timeline.
    func failOver() {
        breakAll()
        incarnation = Incarnation(systemIdentifier: 7, timeline: incarnation.timeline + 1)
        world.judge.note(.failedOver)
    }

    private func breakAll() {
        for holder in holders.values { holder.isAborted = true }
        (holders, waiting) = ([:], [])
        let broken = sessions
        sessions = []
        for session in broken { session.brokenByServer() }
    }

    // MARK: Statements

    func execute(_ statement: Statement, of session: LedgerSession) {
        let early: Ownership? =
            if case .takeFence(let partition) = statement { model.ownership(partition) } else { nil }
        order += 1
        begin(Waiter(session: session, statement: statement, order: order, early: early))
    }

    private func begin(_ waiter: Waiter) {
        let rows = waiter.statement.rows
        guard rows.allSatisfy({ holders[$0] == nil }) else {
            waiting.append(waiter)
            let order = waiter.order
            world.schedule(at: world.now + .milliseconds(100)) { [self] in lockTimeout(order) }
            return
        }
        run(waiter)
    }

    /// A lock was waited for in vain. A commit is refused; who takes a fence ends whoever holds the row that long.
    private func lockTimeout(_ order: Int) {
        guard let index = waiting.firstIndex(where: { $0.order == order }) else { return }
        let waiter = waiting.remove(at: index)
        if case .commit = waiter.statement { return waiter.session.answer(.lockNotAvailable) }
        for row in waiter.statement.rows {
            guard let holder = holders[row], world.now - holder.began >= .milliseconds(100) else { continue }
            world.judge.note(.holderTerminated)
            abort(holder)
        }
        begin(waiter)
    }

    private func abort(_ transaction: Transaction) {
        transaction.isAborted = true
        let session = sessions.first { $0.transaction === transaction }
        release(transaction)
        if let session {
            disconnected(session)
            session.brokenByServer()
        }
    }

    private func release(_ transaction: Transaction) {
        for row in transaction.rows where holders[row] === transaction { holders[row] = nil }
        let ready = waiting
        waiting = []
        for waiter in ready {
            if waiter.statement.rows.allSatisfy({ holders[$0] == nil }) {
                run(waiter)
            } else {
                waiting.append(waiter)
            }
        }
    }

    private func run(_ waiter: Waiter) {
        let session = waiter.session
        switch waiter.statement {
        case .check(let partitions):
            later(session) { [self] in .checked(partitions.map(model.ownership), time) }
        case .load(let partition, let after, let limit):
            later(session) { [self] in .entries(model.load(partition, after: after, limit: limit)) }
        case .hasBatch(let partition, let number, let fence):
            later(session) { [self] in .boolean(model.hasBatch(partition, number, fence)) }
        case .commit(let batches):
            guard isAccepted(batches) else {
                return session.answer(.commit(model.commit(batches, at: time)))
            }
            hold(waiter) { [self] in .commit(write(batches, by: session)) }
        case .takeFence(let partition):
            hold(waiter) { [self] in
                let owned = model.takeFence(partition)
                world.judge.tookFence(owned, session.owner)
                guard isPlanted(.fenceAndStateAtOnce), let early = waiter.early else {
                    return .owned([owned])
                }
                return .owned([
                    Ownership(
                        partition: owned.partition, fence: owned.fence, batch: early.batch, last: early.last,
                        digest: owned.digest)
                ])
            }
        case .renewFences(let held):
            hold(waiter) { [self] in
                let owned = model.renewFences(held)
                for ownership in owned { world.judge.tookFence(ownership, session.owner) }
                return .owned(owned)
            }
        }
    }

    private func isAccepted(_ batches: [Batch]) -> Bool {
        if isPlanted(.noFenceCheck) || isPlanted(.anyOldFence) || isPlanted(.conditionalWrite) { return true }
        return batches.allSatisfy(model.isNext)
    }

    private func write(_ batches: [Batch], by session: LedgerSession) -> LedgerModel.CommitResult {
        let foreign = batches.filter { !model.isNext($0) }
        let result: LedgerModel.CommitResult
        if foreign.isEmpty {
            result = model.commit(batches, at: time)
        } else if isPlanted(.noFenceCheck) || (isPlanted(.anyOldFence) && foreign.allSatisfy(isOnlyFenceOld))
        {
            result = model.force(batches, at: time)
        } else if isPlanted(.conditionalWrite) {
            let own = batches.filter { model.isNext($0) }
            result = own.isEmpty ? .committed(at: time) : model.commit(own, at: time)
        } else {
            result = model.commit(batches, at: time)
        }
        world.judge.committed(batches, result, by: session.owner)
        return result
    }

    private func isOnlyFenceOld(_ batch: Batch) -> Bool {
        var newest = batch
        newest.fence = Fence(rawValue: model.rows[Int(batch.partition.rawValue)].fence)
        return model.isNext(newest) && batch.fence < newest.fence
    }

    /// Answers after the time that a statement takes.
    private func later(_ session: LedgerSession, _ answer: @escaping () -> Answer) {
        world.schedule(at: world.now + duration()) { [self] in
            guard sessions.contains(where: { $0 === session }) else { return }
            session.answer(answer())
        }
    }

    /// Holds the rows until the transaction has committed.
    private func hold(_ waiter: Waiter, _ commit: @escaping () -> Answer) {
        let transaction = Transaction(waiter.statement.rows, world.now)
        for row in transaction.rows { holders[row] = transaction }
        let session = waiter.session
        session.transaction = transaction
        var time = duration()
        if case .commit = waiter.statement {
            if world.now < hang.until { time = time + hang.time }
            if let index = traps.firstIndex(where: { transaction.rows.contains($0.partition) }) {
                let trap = traps.remove(at: index)
                time = time + trap.time
                world.schedule(at: world.now) { trap.spring(session.owner) }
            }
        }
        world.schedule(at: world.now + time) { [self] in
            guard !transaction.isAborted else { return }
            session.transaction = nil
            let answer = commit()
            if !session.isClientThere, case .commit(.committed) = answer {
                world.judge.note(.zombieCommitted)
            }
            release(transaction)
            session.answer(answer)
        }
    }

    private func duration() -> TimeAmount {
        let usual = TimeAmount.microseconds(Int64(world.network.number(100...2_000)))
        return world.now < slowUntil ? usual + .milliseconds(Int64(world.network.number(100...1_200))) : usual
    }
}
