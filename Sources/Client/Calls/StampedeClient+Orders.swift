import Methods
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
}
