import Client
import Methods
import Sales
import Wire

extension Failure {
    /// A call's error, with what to do next.
    init(_ error: CallError, brokers: [String], _ context: CallContext) {
        if error.certainty == .maybeExecuted, !context.isRead {
            let next = context.settle.map { "settle it with `\($0)`" } ?? "look up what has happened"
            self.init(.unknown, "it is not known whether this was done (\(error.status)): \(next)")
        } else if error.details == nil && error.reason == .noOwner {
            self.init(
                .refused, "no worker served this within the time: `stampede status` shows the workers")
        } else if error.details == nil && [.deadlineExceeded, .unavailable].contains(error.status) {
            self.init(
                .refused,
                "no broker answers at \(brokers.joined(separator: ", ")): check the endpoint\(Failure.keys(brokers)), "
                    + "or start a cluster with `stampede up`")
        } else if error.details == nil && error.status == .invalidArgument {
            self.init(.usage, error.message)
        } else {
            self.init(.refused, Failure.sentence(error, context.sale))
        }
    }

    /// A broker says nothing to who does not speak its language, which at TCP is mostly that of keys.
    static func keys(_ brokers: [String]) -> String {
        brokers.contains { $0.hasPrefix("tcp://") } ? " and the keys" : ""
    }

    private static func sentence(_ error: CallError, _ sale: SaleID?) -> String {
        let words = error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message
        let reason = error.reason == .none ? "\(error.status)" : "\(error.reason)"
        let next = nextStep(error, sale.map { "\($0)" } ?? "ID").map { "; \($0)" } ?? ""
        return "\(words) (\(reason))\(next)"
    }

    private static func nextStep(_ error: CallError, _ sale: String) -> String? {
        switch error.reason {
        case .unknownSale: return "`stampede sale list` shows all there are"
        case .soldOut, .notEnough, .waitersFirst:
            let add = "`stampede sale add-units \(sale) N` would add some"
            guard let details = error.details, details.held ?? 0 > 0 || details.waiting ?? 0 > 0 else {
                return error.reason == .soldOut ? add : nil
            }
            let next = details.next.map { ", the next may return at \($0.text)" } ?? ""
            return "\(details.held ?? 0) held\(next), \(details.waiting ?? 0) waiting; "
                + "`stampede order wait --sale \(sale)` waits for some"
        case .closed: return "`stampede sale open \(sale)` would open it"
        case .notYetOpen:
            let time = error.details?.opens.map { "it opens at \($0.text), and " } ?? ""
            return "\(time)`stampede sale open \(sale)` would open it now"
        case .noOwner: return "`stampede status` shows the workers"
        case .overloaded, .ledgerUnavailable, .busy, .clockUncertain, .draining, .noQuorum,
            .providerUnavailable:
            return error.retryAfter.map { "try again after \($0.milliseconds) ms" } ?? "try again soon"
        default: return nil
        }
    }
}
