public import Client
import Methods
public import Resilience
public import Sales
public import Wire

/// What is to be done about one attempt to pay, from its beginning to its end: begin, charge, record; find out what is not
/// known; give back what came too late.
///
/// A value without I/O or clock. Each answer goes in and the next step comes out. Nothing in it is needed after a crash: the
/// ledger knows the attempts that are open, and the provider what became of them.
///
///     asked for ─▶ begin ─▶ charge ─┬─ taken ──────▶ record taken ─┬─ the order has it ───▶ end
///                                   │                              └─ it has not ▶ refund ▶ record refunded ▶ end
///                                   ├─ declined ───▶ record failed ▶ end
///     left open ───────────▶ find ◀─┴─ not known
///                            │  ▲
///                            │  └─ pending: wait
///                            └─ absent, or pending too long ▶ cancel ▶ taken or declined, for good
public struct PaymentCourse: Sendable {
    public let order: OrderID
    public let attempt: RequestKey
    private let origin: Origin
    private let patience: TimeAmount
    private let backoff: Backoff
    private let startedAt: MonotonicTime
    private var generator: SplitMix64
    /// Answers in a row that settled nothing.
    public private(set) var failures = 0
    private var charges = 0
    private var contradictions = 0
    /// The provider's words.
    private var reason: String?
    /// What a wait is followed by.
    private var afterWait = Step.find
    /// What is to be charged, once the order is known.
    private var price: (amount: Int64, currency: String) = (0, "")

    /// Charges that are sent of one attempt, the first included; all of them under one idempotency key.
    static let mostCharges = 3
    /// Times that the ledger may contradict the provider before the course gives up.
    static let mostContradictions = 2

    public enum Origin: Hashable, Sendable {
        /// A buyer's service has just asked for it.
        case asked
        /// It was found open: by a sweep of the ledger, or named in a webhook.
        case open
        /// The ledger says that its money is to go back.
        case owed
    }

    public indirect enum Step: Hashable, Sendable {
        case begin
        case charge(amount: Int64, currency: String)
        case find
        /// Has the provider make up its mind: nothing is taken for this attempt from then on.
        case cancel
        case record(RecordPayment.Outcome)
        case refund
        case wait(TimeAmount)
        case end(Ending)
    }

    public enum Ending: Hashable, Sendable {
        case paid(Order)
        case declined(Order, reason: String?)
        /// The money came too late, or was one too many; it is back, or was before.
        case returned(Order)
        /// The owner refused to begin it.
        case refused(CallError)
        /// The provider knows the attempt with another order, amount or token.
        case keyReused
        /// Ledger and provider contradict each other: somebody has to look.
        case stuck(String)
    }

    /// - Parameters:
    ///   - patience: how long a charge may stay absent or pending before it is cancelled. Longer than a charge takes, so
    ///     that another process that is charging is left alone.
    ///   - seed: of the jitter.
    public init(
        order: OrderID, attempt: RequestKey, origin: Origin, patience: TimeAmount, backoff: Backoff,
        seed: UInt64, _ now: MonotonicTime
    ) {
        self.order = order
        self.attempt = attempt
        self.origin = origin
        self.patience = patience
        self.backoff = backoff
        startedAt = now
        generator = SplitMix64(seed: seed)
    }

    public var firstStep: Step {
        switch origin {
        case .asked: .begin
        case .open: .find
        case .owed: .refund
        }
    }

    // MARK: What the owner answers

    public mutating func begun(_ answer: Result<Order, CallError>) -> Step {
        switch answer {
        case .failure(let error): return .end(.refused(error))
        case .success(let order):
            price = (order.amount, order.currency)
            // Only what is being paid by this attempt may be charged. Everything else has gone on without us.
            guard order.attempt == attempt else { return .find }
            switch order.state {
            case .paying: return charge()
            case .paid: return .end(.paid(order))
            case .refunding: return .refund
            case .refunded: return .end(.returned(order))
            case .reserved, .expired, .cancelled: return .find
            }
        }
    }

    public mutating func recorded(_ outcome: RecordPayment.Outcome, _ answer: Result<Order, CallError>)
        -> Step
    {
        switch answer {
        case .success(let order):
            failures = 0
            switch outcome {
            case .failed: return .end(.declined(order, reason: reason))
            case .refunded: return .end(.returned(order))
            case .taken:
                guard order.attempt == attempt else { return .refund }
                switch order.state {
                case .paid: return .end(.paid(order))
                case .refunded: return .end(.returned(order))
                case .refunding, .reserved, .paying, .expired, .cancelled: return .refund
                }
            }
        case .failure(let error):
            switch error.reason {
            case .wrongState where outcome == .failed && contradictions < Self.mostContradictions:
                // Another process has recorded something else meanwhile: the provider knows better than we did.
                contradictions += 1
                return wait(before: .find)
            case .wrongState, .unknownAttempt, .unknownOrder:
                return .end(
                    .stuck("The ledger does not take ‘\(outcome.rawValue)’ for the attempt: \(error.message)")
                )
            default:
                return wait(before: .record(outcome), atLeast: error.retryAfter)
            }
        }
    }

    // MARK: What the provider answers

    public mutating func charged(_ answer: Result<Charge, ProviderError>, _ now: MonotonicTime) -> Step {
        switch answer {
        case .success(let charge): return settle(charge, now)
        case .failure(.unreachable(let retryAfter)):
            guard charges < Self.mostCharges, now - startedAt < patience else { return wait(before: .find) }
            return wait(before: charge(), atLeast: retryAfter)
        case .failure(.unknown): return wait(before: .find)
        case .failure(.contentDiffers): return .end(.keyReused)
        case .failure(.refused(let words)), .failure(.nothingTaken(let words)):
            // It took nothing now; that it never will is what cancelling makes sure of.
            reason = words
            return .cancel
        }
    }

    public mutating func found(_ answer: Result<Charge?, ProviderError>, _ now: MonotonicTime) -> Step {
        switch answer {
        case .success(.some(let charge)): return settle(charge, now)
        case .success(.none):
            // Who began it may be about to charge, unless that was us.
            return origin == .asked || isTooOld(now) ? .cancel : wait(before: .find)
        case .failure(let error): return wait(before: .find, atLeast: error.retryAfter)
        }
    }

    public mutating func cancelled(_ answer: Result<Charge, ProviderError>, _ now: MonotonicTime) -> Step {
        switch answer {
        case .success(let charge) where charge.status == .pending: wait(before: .cancel)
        case .success(let charge): settle(charge, now)
        case .failure(let error): wait(before: .cancel, atLeast: error.retryAfter)
        }
    }

    public mutating func refunded(_ answer: Result<Charge, ProviderError>) -> Step {
        switch answer {
        case .success(let charge) where charge.isRefunded:
            failures = 0
            return .record(.refunded)
        case .failure(.nothingTaken(let words)):
            return .end(.stuck("The provider took nothing that it could give back: \(words)"))
        case .success: return wait(before: .refund)
        case .failure(let error): return wait(before: .refund, atLeast: error.retryAfter)
        }
    }

    /// The wait is over, or something has happened that made it shorter.
    public func waited() -> Step { afterWait }

    // MARK: Deciding

    private mutating func charge() -> Step {
        charges += 1
        return .charge(amount: price.amount, currency: price.currency)
    }

    private mutating func settle(_ charge: Charge, _ now: MonotonicTime) -> Step {
        switch charge.status {
        case .taken:
            failures = 0
            return .record(.taken)
        case .declined:
            failures = 0
            reason = charge.reason ?? reason
            return .record(.failed)
        case .pending:
            return isTooOld(now) ? .cancel : wait(before: .find)
        }
    }

    private func isTooOld(_ now: MonotonicTime) -> Bool { now - startedAt >= patience }

    private mutating func wait(before step: Step, atLeast: TimeAmount? = nil) -> Step {
        failures += 1
        afterWait = step
        let time = backoff.wait(after: failures, random: generator.next())
        return .wait(max(time, min(atLeast ?? .zero, backoff.ceiling)))
    }
}
