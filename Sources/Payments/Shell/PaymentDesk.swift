import Client
public import Logging
import Methods
public import Resilience
public import Sales
import Synchronization
public import Wire
import ZeroMQ

/// Sees to attempts to pay: those that are asked for, those that the ledger has open, those that webhooks name.
///
/// It remembers nothing that would be missed after a crash. Several desks may work on one ledger: the provider's idempotency
/// key and the owners decide.
public final class PaymentDesk: Sendable {
    public struct Configuration: Sendable {
        /// How long a charge may stay absent or pending before it is cancelled; see `PaymentCourse`.
        public var patience = TimeAmount.seconds(30)
        /// Waits between looks at what is not known yet.
        public var retry = Backoff(base: .milliseconds(100), ceiling: .seconds(5))
        /// Attempts in hand at a time. More are refused, or left to a later sweep.
        public var courses = 10_000

        public init() {}
    }

    private struct State {
        var runs: [CourseRun.Key: CourseRun] = [:]
        var tasks: [CourseRun.Key: Task<Void, Never>] = [:]
        var budget = RetryBudget()
        var isClosed = false
    }

    /// What becomes of a request for a course.
    private enum Seat {
        case taken(CourseRun)
        case full
        case otherToken
    }

    private let owners: any OrderOwners
    private let provider: GuardedProvider
    private let configuration: Configuration
    private let logger: Logger
    private let state = Mutex(State())

    public init(
        owners: any OrderOwners, provider: GuardedProvider, configuration: Configuration = .init(),
        logger: Logger
    ) {
        self.owners = owners
        self.provider = provider
        self.configuration = configuration
        self.logger = logger
    }

    // MARK: Paying

    /// Pays for an order, or finds out what became of an attempt to.
    ///
    /// - Parameter deadline: until when the caller waits. The course goes on without him.
    public func pay(_ request: PayOrder, until deadline: MonotonicTime) async throws(PaymentRefusal) -> Order
    {
        guard request.attempt.rawValue != 0 else { throw .badField("attempt") }
        guard !request.token.isEmpty, !request.token.unicodeScalars.contains(where: { $0.value < 0x20 })
        else {
            throw .badField("token")
        }
        let asked = CourseRun.Asked(buyer: request.buyer, token: request.token)
        switch seat(request.order, request.attempt, .asked, asked, refusing: provider.refusal(.now())) {
        case .failure(let refusal): throw refusal
        case .success(.full): throw .busy
        case .success(.otherToken): throw .keyReused
        case .success(.taken(let run)):
            guard let ending = await run.ending(until: deadline) else { throw .pending }
            return try await order(request, ending)
        }
    }

    private func order(
        _ request: PayOrder, _ ending: PaymentCourse.Ending
    ) async throws(PaymentRefusal) -> Order {
        switch ending {
        case .paid(let order): return order
        case .declined(_, let reason): throw .declined(reason)
        case .returned(let order): throw .notPayable(order.state)
        case .keyReused: throw .keyReused
        case .stuck: throw .pending
        case .refused(let error):
            guard error.reason == .wrongState else { throw .owner(error) }
            let now: Order
            do throws(CallError) {
                now = try await owners.order(request.order)
            } catch {
                throw .owner(error)
            }
            throw PaymentRefusal(of: now, attempt: request.attempt)
        }
    }

    /// Joins the course of an attempt, or starts it.
    ///
    /// - Parameter refusing: why none may be started now: after what time it may.
    private func seat(
        _ order: OrderID, _ attempt: RequestKey, _ origin: PaymentCourse.Origin, _ asked: CourseRun.Asked?,
        refusing: TimeAmount? = nil
    ) -> Result<Seat, PaymentRefusal> {
        let key = CourseRun.Key(order: order, attempt: attempt, buyer: asked?.buyer)
        return state.withLock { state in
            if let run = state.runs[key] {
                return .success(run.asked == asked ? .taken(run) : .otherToken)
            }
            if let refusing { return .failure(.unavailable(retryAfter: refusing)) }
            guard !state.isClosed, state.runs.count < configuration.courses else { return .success(.full) }
            let run = CourseRun(asked: asked)
            state.runs[key] = run
            let course = PaymentCourse(
                order: order, attempt: attempt, origin: origin, patience: configuration.patience,
                backoff: configuration.retry, seed: .random(in: .min ... .max), .now())
            state.tasks[key] = Task { [self] in
                let ending = await drive(course, run)
                forget(key)
                run.end(ending)
            }
            return .success(.taken(run))
        }
    }

    private func forget(_ key: CourseRun.Key) {
        state.withLock { state in
            state.runs[key] = nil
            state.tasks[key] = nil
        }
    }

    // MARK: What others found

    /// Something happened to an attempt: looks at it. False when there is no room for it now.
    public func hint(_ order: OrderID, _ attempt: RequestKey) -> Bool {
        let known = state.withLock { state in
            state.runs.filter { $0.key.order == order && $0.key.attempt == attempt }.map(\.value)
        }
        guard known.isEmpty else {
            for run in known { run.nudge() }
            return true
        }
        if case .success(.taken) = seat(order, attempt, .open, nil) { return true }
        return false
    }

    /// Sees to everything that the ledger has open and nobody here has in hand. What cannot be asked is left for the next
    /// sweep.
    ///
    /// - Returns: attempts that were open.
    @discardableResult
    public func sweep() async -> Int {
        guard let count = await owners.partitionCount() else { return 0 }
        var open = 0
        for number in 0..<count {
            let partition = Partition(rawValue: Int16(number))
            do throws(CallError) {
                try await owners.eachUnsettled(of: partition) { payment in
                    open += 1
                    return take(payment)
                }
            } catch {
                logger.debug(
                    "The payments of a partition could not be listed",
                    metadata: ["partition": "\(number)", "error": "\(error)"])
            }
            guard !Task.isCancelled else { break }
        }
        return open
    }

    /// - Returns: false when there is no room.
    private func take(_ payment: PaymentList.Payment) -> Bool {
        let (order, attempt) = (payment.order.id, payment.attempt)
        let keys = [payment.order.buyer, nil].map {
            CourseRun.Key(order: order, attempt: attempt, buyer: $0)
        }
        let isInHand = state.withLock { state in keys.contains { state.runs[$0] != nil } }
        if isInHand { return true }
        switch seat(order, attempt, payment.isOwed ? .owed : .open, nil) {
        case .success(.taken): return true
        case .success(.full), .success(.otherToken), .failure: return false
        }
    }

    /// Gives up what is in hand: the ledger knows of it, and whoever sweeps next goes on. Takes nothing more.
    public func close() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// Attempts in hand.
    public var inHand: Int { state.withLock { $0.runs.count } }

    // MARK: One course

    private func drive(_ start: PaymentCourse, _ run: CourseRun) async -> PaymentCourse.Ending? {
        var course = start
        var step = course.firstStep
        while !Task.isCancelled {
            if course.failures > 0, step.asksProvider,
                !state.withLock({ $0.budget.spend(callsInFlight: $0.runs.count) })
            {
                // Later, but not never: when all that is left waits for tokens, nobody wins one back.
                await run.sleep(configuration.retry.ceiling)
                if Task.isCancelled { break }
            }
            switch step {
            case .end(let ending):
                log(ending, course)
                return ending
            case .wait(let time):
                await run.sleep(time)
                step = course.waited()
            case .begin:
                guard let asked = run.asked else { preconditionFailure("nobody asked for this attempt") }
                step = course.begun(
                    await result { () async throws(CallError) in
                        try await self.owners.begin(start.order, buyer: asked.buyer, attempt: start.attempt)
                    })
            case .record(let outcome):
                step = course.recorded(
                    outcome,
                    await result { () async throws(CallError) in
                        try await self.owners.record(start.order, attempt: start.attempt, outcome)
                    })
            case .charge(let amount, let currency):
                guard let asked = run.asked else { preconditionFailure("nobody asked for this attempt") }
                let request = ChargeRequest(
                    order: start.order, attempt: start.attempt, amount: amount, currency: currency,
                    token: asked.token)
                let answer = await ask(course) { () async throws(ProviderError) in
                    try await self.provider.charge(request)
                }
                step = course.charged(answer, .now())
            case .find:
                let answer = await ask(course) { () async throws(ProviderError) in
                    try await self.provider.find(start.attempt)
                }
                step = course.found(answer, .now())
            case .cancel:
                let answer = await ask(course) { () async throws(ProviderError) in
                    try await self.provider.cancel(start.attempt)
                }
                step = course.cancelled(answer, .now())
            case .refund:
                let answer = await ask(course) { () async throws(ProviderError) in
                    try await self.provider.refund(start.attempt)
                }
                step = course.refunded(answer)
            }
        }
        return nil
    }

    private func ask<Value: Sendable>(
        _ course: PaymentCourse, _ body: () async throws(ProviderError) -> Value
    ) async -> Result<Value, ProviderError> {
        let answer = await result(body)
        switch answer {
        case .success: state.withLock { $0.budget.succeeded(callsInFlight: $0.runs.count) }
        case .failure(let error):
            logger.warning(
                "The payment provider gave no answer",
                metadata: [
                    "order": "\(course.order)", "attempt": "\(course.attempt.digits)", "error": "\(error)",
                ])
        }
        return answer
    }

    private func result<Value: Sendable, Problem: Error>(
        _ body: () async throws(Problem) -> Value
    ) async -> Result<Value, Problem> {
        do throws(Problem) { return .success(try await body()) } catch { return .failure(error) }
    }

    private func log(_ ending: PaymentCourse.Ending, _ course: PaymentCourse) {
        let attempt: Logger.Metadata = [
            "order": "\(course.order)", "attempt": "\(course.attempt.digits)",
        ]
        switch ending {
        case .paid: logger.debug("An order was paid", metadata: attempt)
        case .declined: logger.debug("A payment was declined", metadata: attempt)
        case .returned: logger.info("The money of an attempt went back", metadata: attempt)
        case .refused, .keyReused: logger.debug("An attempt to pay was refused", metadata: attempt)
        case .stuck(let words):
            logger.error(
                "Ledger and provider contradict each other: run `stampede payments reconcile`",
                metadata: attempt.merging(["reason": "\(words)"]) { $1 })
        }
    }
}

extension PaymentCourse.Step {
    fileprivate var asksProvider: Bool {
        switch self {
        case .charge, .find, .cancel, .refund: true
        case .begin, .record, .wait, .end: false
        }
    }
}
