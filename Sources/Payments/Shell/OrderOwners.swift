public import Client
public import Methods
public import Sales
import Wire

/// The owners of orders, as a payment needs them. Everything may be asked again: the attempt is the request's key.
public protocol OrderOwners: Sendable {
    func begin(_ order: OrderID, buyer: BuyerID, attempt: RequestKey) async throws(CallError) -> Order
    func record(
        _ order: OrderID, attempt: RequestKey, _ outcome: RecordPayment.Outcome
    ) async throws(CallError) -> Order
    func order(_ id: OrderID) async throws(CallError) -> Order
    /// Attempts of one partition that somebody has to see to, at most `PaymentList.maximum`.
    func unsettled(
        of partition: Partition, after last: UnsettledPayment?
    ) async throws(CallError) -> PaymentList
    /// How many partitions the cluster has; nil while no broker knows it.
    func partitionCount() async -> Int?
}

/// The owners behind brokers.
public struct CalledOwners: OrderOwners {
    private let client: StampedeClient
    private let options: CallOptions

    /// - Parameter client: with a key of the role operator, where brokers ask for keys.
    public init(client: StampedeClient) {
        self.client = client
        options = CallOptions(deadline: .seconds(5), maximumAttempts: 15)
    }

    public func begin(
        _ order: OrderID, buyer: BuyerID, attempt: RequestKey
    ) async throws(CallError) -> Order {
        try await client.beginPayment(order, buyer: buyer, attempt: attempt, options: options)
    }

    public func record(
        _ order: OrderID, attempt: RequestKey, _ outcome: RecordPayment.Outcome
    ) async throws(CallError) -> Order {
        try await client.recordPayment(order, attempt: attempt, outcome, options: options)
    }

    public func order(_ id: OrderID) async throws(CallError) -> Order {
        try await client.order(id, options: options)
    }

    public func unsettled(
        of partition: Partition, after last: UnsettledPayment?
    ) async throws(CallError) -> PaymentList {
        try await client.unsettledPayments(of: partition, after: last, options: options)
    }

    public func partitionCount() async -> Int? {
        for answer in await client.brokerStatus() {
            if case .success(let status) = answer.status,
                let last = status.partitions.map(\.partition.rawValue).max()
            {
                return Int(last) + 1
            }
        }
        return nil
    }
}

extension OrderOwners {
    /// All attempts of a partition that somebody has to see to, page by page.
    ///
    /// - Parameter body: returns false to stop.
    public func eachUnsettled(
        of partition: Partition, _ body: (PaymentList.Payment) async -> Bool
    ) async throws(CallError) {
        var last: UnsettledPayment?
        while true {
            let page = try await unsettled(of: partition, after: last).payments
            for payment in page where await !body(payment) { return }
            guard page.count == PaymentList.maximum, let end = page.last else { return }
            last = UnsettledPayment(
                order: end.order.id.sequence, attempt: end.attempt, isOwed: end.isOwed)
        }
    }
}
