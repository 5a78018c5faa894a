public import Sales

/// An attempt to pay as the provider knows it. There is one per attempt, whatever happened in between.
public struct Charge: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable, CaseIterable {
        /// The provider has the money, or had it before it gave it back.
        case taken
        /// It has not, and never will have for this attempt.
        case declined
        /// It does not know yet.
        case pending
    }

    /// The provider's own name for it.
    public var id: String
    public var attempt: RequestKey
    /// As it was named when the charge was asked for; nil when that is no order's id.
    public var order: OrderID?
    public var status: Status
    /// In minor units.
    public var amount: Int64
    /// What was taken went back.
    public var isRefunded: Bool
    /// The provider's words for a decline.
    public var reason: String?

    public init(
        id: String, attempt: RequestKey, order: OrderID?, status: Status, amount: Int64,
        isRefunded: Bool = false, reason: String? = nil
    ) {
        self.id = id
        self.attempt = attempt
        self.order = order
        self.status = status
        self.amount = amount
        self.isRefunded = isRefunded
        self.reason = reason
    }
}
