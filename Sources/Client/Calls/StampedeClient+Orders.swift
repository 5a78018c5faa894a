public import Methods
public import Sales
import Wire

extension StampedeClient {
    /// Places an order and returns it: from then on it stands, whatever is killed (promise P2).
    ///
    /// - Parameter key: names the request. Repeating with the same key leads to the same order, through any
    ///   broker; an error carries it as `requestKey`.
    public func placeOrder(
        sale: SaleID, buyer: BuyerID, quantity: Int32 = 1, key: RequestKey = .random(),
        options: CallOptions = .init()
    ) async throws(CallError) -> Order {
        try await call(
            OrderMethods.place, PlaceOrder(sale: sale, buyer: buyer, quantity: quantity, key: key),
            options: options)
    }

    /// Ends an unknown outcome: the order with this key, or the promise that there never will be one.
    public func settleOrder(
        sale: SaleID, buyer: BuyerID, key: RequestKey, options: CallOptions = .init()
    ) async throws(CallError) -> Settlement {
        try await call(
            OrderMethods.settle, SettleOrder(sale: sale, buyer: buyer, key: key), options: options)
    }

    /// Looks an order up; `NOT_FOUND` when there is none of that id.
    public func order(_ id: OrderID, options: CallOptions = .init()) async throws(CallError) -> Order {
        try await call(OrderMethods.get, GetOrder(order: id), options: options)
    }

    /// A page of a sale's orders, or of one of its buyers', in the order of their placing. The page's `next` is the cursor
    /// of the following one.
    public func orders(
        of sale: SaleID, buyer: BuyerID? = nil, state: Order.State? = nil, after cursor: Int64 = 0,
        limit: Int32 = OrderList.maximum, options: CallOptions = .init()
    ) async throws(CallError) -> OrderList {
        try await call(
            OrderMethods.list,
            ListOrders(sale: sale, buyer: buyer, state: state, after: cursor, limit: limit), options: options)
    }

    /// Proof that an order was placed, or of another entry about it. `FAILED_PRECONDITION` when it is older than receipts.
    public func receipt(
        for id: OrderID, entry: Int64? = nil, options: CallOptions = .init()
    ) async throws(CallError) -> OrderReceipt {
        try await call(OrderMethods.receipt, GetReceipt(order: id, entry: entry), options: options)
    }

    /// Gives an order up that is not paid, for its buyer: its units are for sale again.
    public func cancelOrder(
        _ id: OrderID, buyer: BuyerID, key: RequestKey = .random(), options: CallOptions = .init()
    ) async throws(CallError) -> Order {
        try await call(
            OrderMethods.cancel, CancelOrder(order: id, buyer: buyer, key: key), options: options)
    }

    /// Ends an order, paid or not, for an operator: what was paid goes back.
    public func revokeOrder(
        _ id: OrderID, actor: String, reason: String, key: RequestKey = .random(),
        options: CallOptions = .init()
    ) async throws(CallError) -> Order {
        try await call(
            OrderMethods.revoke, RevokeOrder(order: id, key: key, actor: actor, reason: reason),
            options: options)
    }

    /// Pays for an order, and returns it paid: from then on it is, whatever is killed.
    ///
    /// - Parameters:
    ///   - attempt: names the attempt. Repeating with the same one never leads to a second charge, through any broker
    ///     and after any error; a declined one needs another.
    ///   - token: the means of payment, as the provider knows it.
    public func payOrder(
        _ id: OrderID, buyer: BuyerID, token: String, attempt: RequestKey = .random(),
        options: CallOptions = .init()
    ) async throws(CallError) -> Order {
        try await call(
            OrderMethods.pay, PayOrder(order: id, buyer: buyer, attempt: attempt, token: token),
            options: options)
    }

    // MARK: For who talks to a payment provider

    /// Opens an attempt to pay. Ask for money only after this has returned, with the attempt as idempotency key.
    public func beginPayment(
        _ id: OrderID, buyer: BuyerID, attempt: RequestKey, options: CallOptions = .init()
    ) async throws(CallError) -> Order {
        try await call(
            PaymentMethods.begin, BeginPayment(order: id, buyer: buyer, attempt: attempt), options: options)
    }

    /// Tells what became of an attempt's money. The order that is returned says what follows: when it is `refunding`, or
    /// was paid by another attempt, this one's money is to go back.
    public func recordPayment(
        _ id: OrderID, attempt: RequestKey, _ outcome: RecordPayment.Outcome, options: CallOptions = .init()
    ) async throws(CallError) -> Order {
        try await call(
            PaymentMethods.record, RecordPayment(order: id, attempt: attempt, outcome: outcome),
            options: options)
    }

    /// The attempts to pay of one partition's orders that somebody still has to see to: what a process that talks to a
    /// provider starts from.
    public func unsettledPayments(
        of partition: Partition, after last: UnsettledPayment? = nil, options: CallOptions = .init()
    ) async throws(CallError) -> PaymentList {
        try await call(
            PaymentMethods.list, ListPayments(partition: partition, after: last), options: options)
    }
}
