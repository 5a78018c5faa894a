public import Methods
public import Sales
import Wire

/// Streams of sales and orders that outlive the worker which serves them: whoever follows comes back to the next owner.
extension StampedeClient {
    /// Waits for units that come back, until an order holds them or the wait ends. The place in the list is the key's: it is
    /// kept when this is cancelled or throws, and found again with the same key. `settleOrder` gives it up.
    ///
    /// - Parameter moved: called at once and when something changes, at most ten times a second: how many come first, of how
    ///   many in all.
    /// - Returns: `.offered` with the order, which expires unless it is paid by its `until`; or `.ended`.
    nonisolated(nonsending)
        public func waitForUnits(
            sale: SaleID, buyer: BuyerID, quantity: Int32 = 1, key: RequestKey = .random(),
            options: CallOptions = .init(),
            moved: nonisolated(nonsending) (_ ahead: Int64, _ waiting: Int64) async throws -> Void = { _, _ in
            }
        ) async throws -> WaitState
    {
        let request = WaitOrder(sale: sale, buyer: buyer, quantity: quantity, key: key)
        var final: WaitState?
        try await follow(OrderMethods.wait, options, { request }) { state in
            switch state {
            case .waiting(let ahead, let waiting):
                try await moved(ahead, waiting)
                return true
            case .offered, .ended:
                final = state
                return false
            }
        }
        guard let final else {
            throw CallError(
                status: .dataLoss, certainty: .maybeExecuted,
                message: "the stream ended before the wait did; wait again with the same key",
                requestKey: key)
        }
        return final
    }

    /// Lends an order to `body` as it is, and again whenever it changes, until `body` returns false.
    ///
    /// - Parameter version: what is known of it already; only what is newer is told.
    nonisolated(nonsending)
        public func followOrder(
            _ id: OrderID, after version: Int32 = 0, options: CallOptions = .init(),
            _ body: nonisolated(nonsending) (OrderUpdate) async throws -> Bool
        ) async throws
    {
        var known = version
        try await follow(OrderMethods.watch, options, { WatchOrder(order: id, version: known) }) { update in
            known = update.order.version
            return try await body(update)
        }
    }

    /// Lends a sale to `body` as it is, and again whenever it changes, at most ten times a second, until `body` returns
    /// false.
    ///
    /// - Parameter sequence: of the last update that is known; the first one says whether something was missed since.
    nonisolated(nonsending)
        public func followSale(
            _ id: SaleID, from sequence: Int64? = nil, options: CallOptions = .init(),
            _ body: nonisolated(nonsending) (SaleUpdate) async throws -> Bool
        ) async throws
    {
        var known = sequence
        try await follow(SaleMethods.watch, options, { WatchSale(sale: id, from: known) }) { update in
            known = update.sequence
            return try await body(update)
        }
    }

    /// Failures in a row, without an item between them, after which one is thrown: about half a minute of them.
    private static var mostReturns: Int { 60 }

    /// Reads a stream, and asks for it anew when its worker is gone.
    private nonisolated(nonsending)
        func follow<Request: MessageBody & Routed, Reply: MessageBody>(
            _ method: StreamMethod<Request, Reply>, _ options: CallOptions, _ request: () -> Request,
            _ take: nonisolated(nonsending) (Reply) async throws -> Bool
        ) async throws
    {
        var failures = 0
        while true {
            do {
                return try await stream(method, request(), options: options) { replies in
                    for try await reply in replies {
                        failures = 0
                        guard try await take(reply) else { return }
                    }
                }
            } catch let error as CallError where error.status == .unavailable && failures < Self.mostReturns {
                failures += 1
                try await Task.sleep(for: .milliseconds(error.retryAfter?.milliseconds ?? 500))
            }
        }
    }
}
