public import Client
import Methods
public import Sales
public import Service
public import Wire
import ZeroMQ

/// Why an order was not paid.
public enum PaymentRefusal: Error, Hashable, Sendable {
    case badField(String)
    /// The provider took nothing, in its words.
    case declined(String?)
    /// It is not known yet.
    case pending
    /// Another attempt is open.
    case beingPaid
    case alreadyPaid
    /// The order has ended, or its money goes back.
    case notPayable(Order.State)
    /// The attempt was made before with other content.
    case keyReused
    /// The provider cannot be asked now; nothing was done.
    case unavailable(retryAfter: TimeAmount)
    /// As many attempts are in hand as there is room for.
    case busy
    /// What the owner of the order said.
    case owner(CallError)

    /// The owner would not begin the attempt: why not.
    init(of order: Order, attempt: RequestKey) {
        self =
            switch order.state {
            // It was, when this attempt failed or the hold ran out.
            case .reserved: .declined(nil)
            case .paying: order.attempt == attempt ? .pending : .beingPaid
            case .paid: .alreadyPaid
            case .refunding, .refunded, .expired, .cancelled: .notPayable(order.state)
            }
    }
}

extension Failure {
    init(_ refusal: PaymentRefusal) {
        switch refusal {
        case .badField(let field):
            self.init(
                .invalidArgument, "The field '\(field)' has a value that is not allowed.",
                certainty: .executed, reason: .badField)
        case .declined(let words):
            let reason = words.map { " (\($0))" } ?? ""
            self.init(
                .failedPrecondition,
                "The payment was declined\(reason): pay with a new attempt while the order is held.",
                reason: .paymentDeclined)
        case .pending:
            self.init(
                .unavailable,
                "It is not known yet whether the order was paid: ask again with the same attempt, or look the order up.",
                certainty: .maybeExecuted, reason: .paymentPending, retryAfter: .seconds(1))
        case .beingPaid:
            self.init(
                .failedPrecondition,
                "Another attempt to pay for the order is open: look the order up until that has ended.",
                reason: .beingPaid)
        case .alreadyPaid:
            self.init(
                .failedPrecondition, "Another attempt has paid for the order: nothing is left to pay.",
                reason: .alreadyPaid)
        case .notPayable(let state):
            self.init(
                .failedPrecondition,
                "The order is \(state.rawValue) and cannot be paid; what came too late goes back.",
                reason: .notPayable)
        case .keyReused:
            self.init(
                .failedPrecondition,
                "This attempt was made before with other content: use a new key for another attempt.",
                reason: .keyReused)
        case .unavailable(let time):
            self.init(
                .unavailable, "The payment provider does not answer now; nothing was done. Try again later.",
                certainty: .notExecuted, reason: .providerUnavailable,
                retryAfter: max(time, .milliseconds(100)))
        case .busy:
            self.init(
                .resourceExhausted, "As many payments are in hand as there is room for; nothing was done.",
                certainty: .notExecuted, reason: .overloaded, retryAfter: .seconds(1))
        case .owner(let error):
            self.init(
                error.status, error.message, certainty: error.certainty, reason: error.reason,
                retryAfter: error.retryAfter)
        }
    }
}

extension Service {
    /// The service that `order.pay` belongs to.
    public static func payments(_ desk: PaymentDesk) -> Service {
        var service = Service("order")
        for description in MethodDescription.ofPayments {
            service.unary(OrderMethods.pay, description) { request, call in
                // The caller gets what is known then, rather than nothing.
                let left = (call.timeLeft ?? Limits.defaultDeadline) - .milliseconds(200)
                do throws(PaymentRefusal) {
                    return try await desk.pay(request, until: .now() + max(left, .milliseconds(1)))
                } catch {
                    throw Failure(error)
                }
            }
        }
        return service
    }
}
