public import Methods
public import Sales
import Wire

extension StampedeClient {
    /// Places several orders of one sale in one call; each is decided by itself and has an answer of its own, in
    /// the order of the requests.
    ///
    /// An error speaks of the call. When it may have run, repeat with the same requests: each key leads to one
    /// order, however often it is sent.
    ///
    /// - Parameter orders: 1 to 256 (`PlaceMany.maximum`) of them.
    public func placeOrders(
        sale: SaleID, _ orders: [OrderRequest], options: CallOptions = .init()
    ) async throws(CallError) -> [PlacedAnswer] {
        guard 1...PlaceMany.maximum ~= orders.count else {
            throw CallError(
                status: .invalidArgument, certainty: .notExecuted,
                message: "a call places 1 to \(PlaceMany.maximum) orders, not \(orders.count); split them")
        }
        let request = PlaceMany(sale: sale, key: .random(), orders: orders)
        let reply = try await call(OrderMethods.placeMany, request, options: options)
        guard reply.answers.count == orders.count else {
            throw CallError(
                status: .internal, certainty: .executed,
                message: "\(orders.count) orders were answered by \(reply.answers.count); settle their keys")
        }
        return reply.answers
    }
}
