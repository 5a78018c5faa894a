import Client
import Sales
import Wire

/// What came of some requests. Each task of a crowd keeps its own; they are put together at the end.
struct Tally: Sendable {
    struct Yes: Sendable {
        let key: RequestKey
        let order: OrderID
        let quantity: Int32
    }

    var requests = 0
    var latencies: [UInt32] = []
    /// Every yes, repeated ones too. A list, because it is written while the clock runs.
    var yeses: [Yes] = []
    /// Answers of the sale and of the machinery, by reason.
    var refused: [String: Int] = [:]
    /// Requests that ended with neither an order nor an answer of the sale.
    var errors = 0
    var lastError: String?
    /// Requests of which nobody knows whether they were done.
    var unknown: [PlaceOrder] = []
    var lastYes = MonotonicTime.distantPast
    var lastAnswer = MonotonicTime.distantPast

    mutating func yes(_ order: Order, at moment: MonotonicTime) {
        yeses.append(Yes(key: order.key, order: order.id, quantity: order.quantity))
        lastYes = max(lastYes, moment)
    }

    mutating func no(_ error: CallError, _ request: PlaceOrder) {
        if error.certainty == .maybeExecuted {
            unknown.append(request)
            return
        }
        refused[error.reason == .none ? "\(error.status)" : "\(error.reason)", default: 0] += 1
        if !error.reason.isOfSale {
            errors += 1
            lastError = error.description
        }
    }

    mutating func add(_ other: Tally) {
        requests += other.requests
        latencies += other.latencies
        yeses += other.yeses
        refused.merge(other.refused, uniquingKeysWith: +)
        errors += other.errors
        lastError = other.lastError ?? lastError
        unknown += other.unknown
        lastYes = max(lastYes, other.lastYes)
        lastAnswer = max(lastAnswer, other.lastAnswer)
    }
}

/// The orders that a crowd was told of.
struct Confirmed: Sendable {
    /// One per request key: promise P3 allows no more.
    private(set) var orders: [Tally.Yes] = []
    /// Keys that were answered with two different orders.
    private(set) var broken: [RequestKey] = []

    init(_ yeses: [Tally.Yes]) {
        var known: [RequestKey: OrderID] = Dictionary(minimumCapacity: yeses.count)
        for yes in yeses {
            let first = known.updateValue(yes.order, forKey: yes.key)
            if first == nil {
                orders.append(yes)
            } else if first != yes.order {
                broken.append(yes.key)
            }
        }
    }

    var sold: Int64 { orders.reduce(0) { $0 + Int64($1.quantity) } }
}

extension Reason {
    /// Whether the sale itself answered. Everything else means that the machinery could not serve.
    fileprivate var isOfSale: Bool {
        switch self {
        case .soldOut, .notEnough, .waitersFirst, .listFull, .overLimit, .notYetOpen, .closed, .paused,
            .wrongState, .unknownAttempt, .keyReused, .keyVoided:
            true
        case .none, .other, .unknownSale, .unknownOrder, .saleExists, .badQuantity, .badField, .splitSale,
            .noReceipt, .noOwner, .overloaded, .ownerLost, .ledgerUnavailable, .clockUncertain,
            .unknownMethod,
            .wrongRoute, .malformed, .draining, .busy, .flowControl, .notServing, .unknownWorker,
            .needsService,
            .needsOperator, .needsWorker, .keyRefused, .lockHeld, .lockLost, .noQuorum,
            .paymentDeclined, .paymentPending, .beingPaid, .alreadyPaid, .notPayable, .providerUnavailable:
            false
        }
    }
}
