package import Sales
package import Wire

extension Refusal {
    /// The refusal on the wire: its header's words, and its body.
    package var statusAndReason: (Status, Reason) {
        switch self {
        case .unknownSale: (.notFound, .unknownSale)
        case .unknownOrder: (.notFound, .unknownOrder)
        case .soldOut: (.failedPrecondition, .soldOut)
        case .notEnough: (.failedPrecondition, .notEnough)
        case .waitersFirst: (.failedPrecondition, .waitersFirst)
        case .listFull: (.resourceExhausted, .listFull)
        case .overLimit: (.failedPrecondition, .overLimit)
        case .notYetOpen: (.failedPrecondition, .notYetOpen)
        case .closed: (.failedPrecondition, .closed)
        case .paused: (.failedPrecondition, .paused)
        case .wrongState: (.failedPrecondition, .wrongState)
        case .unknownAttempt: (.notFound, .unknownAttempt)
        case .keyReused: (.failedPrecondition, .keyReused)
        case .keyVoided: (.failedPrecondition, .keyVoided)
        case .saleExists: (.alreadyExists, .saleExists)
        case .badQuantity: (.invalidArgument, .badQuantity)
        case .badField: (.invalidArgument, .badField)
        case .clockUncertain: (.unavailable, .clockUncertain)
        }
    }

    package var body: FailureBody {
        switch self {
        case .unknownSale: FailureBody(message: "There is no such sale; check its number.")
        case .unknownOrder: FailureBody(message: "There is no such order; check its id.")
        case .soldOut: FailureBody(message: "The sale is sold out.")
        case .notEnough(let left):
            FailureBody(message: "Only \(left) units are left; ask for fewer.", left: left)
        case .waitersFirst:
            FailureBody(message: "Units have come back, but for those who wait; wait for some, too.")
        case .listFull(let limit):
            FailureBody(message: "\(limit) wait already, and no more may; try again later.", limit: limit)
        case .overLimit(let limit, let held):
            FailureBody(
                message: "A buyer may hold \(limit) units of this sale and this one holds \(held).",
                limit: Int64(limit), held: Int64(held))
        case .notYetOpen(let opensAt):
            FailureBody(message: "The sale is not open yet; try again when it opens.", opens: opensAt)
        case .closed: FailureBody(message: "The sale is closed.")
        case .paused: FailureBody(message: "The sale is paused; try again when it goes on.")
        case .wrongState(let state):
            FailureBody(
                message: "The order is \(state.rawValue), from which this does not follow; look it up.")
        case .unknownAttempt:
            FailureBody(message: "Nobody began this attempt to pay for the order; check attempt and order.")
        case .keyReused:
            FailureBody(message: "This request key was used before with other content; use a new key.")
        case .keyVoided:
            FailureBody(message: "This request key was settled as 'no order'; use a new key.")
        case .saleExists: FailureBody(message: "There is a sale with this number already; choose another.")
        case .badQuantity(let quantity):
            FailureBody(
                message: "\(quantity) is not a quantity that can be sold or added; an order takes 1 to "
                    + "\(Bounds.quantity) units, an addition 1 to \(Bounds.units).")
        case .badField(let field):
            FailureBody(message: "The field '\(field)' has a value that is not allowed.")
        case .clockUncertain:
            FailureBody(
                message: "The worker is not sure of the ledger's time; nothing was done. Try again soon.")
        }
    }
}

extension Refusal {
    /// Nothing, or not enough, is free now: what may come back is worth knowing.
    package var isScarcity: Bool {
        switch self {
        case .soldOut, .notEnough, .waitersFirst: true
        default: false
        }
    }
}

extension FailureBody {
    /// Adds what may come back.
    package mutating func add(_ outlook: Outlook) {
        guard outlook.held > 0 || outlook.waiting > 0 else { return }
        held = outlook.held
        waiting = outlook.waiting
        next = outlook.next
    }

    /// What a gate answers.
    package init(gate reason: Reason, _ outlook: Outlook) {
        self = (reason == .waitersFirst ? Refusal.waitersFirst : .soldOut).body
        add(outlook)
    }
}
