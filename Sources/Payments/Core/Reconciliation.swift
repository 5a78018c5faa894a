public import Sales

/// Compares what the provider took with what the ledger says of the orders: every charge belongs to a paid order, or its
/// money went back.
public struct Reconciliation: Sendable {
    public enum Verdict: Hashable, Sendable {
        case matches
        /// Nothing is wrong yet: the payments process has still to see to it.
        case open
        case differs(String)
    }

    /// A charge that belongs to nothing.
    public struct Finding: Hashable, Sendable {
        public let charge: Charge
        public let sentence: String

        public init(charge: Charge, sentence: String) {
            self.charge = charge
            self.sentence = sentence
        }
    }

    /// - Parameters:
    ///   - order: the one that the charge names; nil when there is none.
    ///   - isUnsettled: whether the ledger has the attempt among those that somebody still has to see to.
    public static func judge(_ charge: Charge, _ order: Order?, isUnsettled: Bool) -> Verdict {
        let hasMoney = charge.status == .taken && !charge.isRefunded
        guard let order else {
            return hasMoney
                ? .differs("money was taken for an order that the ledger does not know") : .matches
        }
        let isPaidByIt = order.attempt == charge.attempt && order.state == .paid
        if isPaidByIt {
            guard hasMoney else {
                return .differs(
                    charge.isRefunded
                        ? "the money went back, but the order is paid"
                        : "nothing was taken, but the order is paid")
            }
            return charge.amount == order.amount
                ? .matches : .differs("\(charge.amount) was taken for an order of \(order.amount)")
        }
        if isUnsettled { return .open }
        switch charge.status {
        case .pending: return .open
        case .declined: return .matches
        case .taken where charge.isRefunded: return .matches
        case .taken: return .differs("money was taken, but the order is \(order.state.rawValue)")
        }
    }
}
