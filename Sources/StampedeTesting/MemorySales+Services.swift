import Methods
import Sales
import Service
import Synchronization
import Wire

/// The sales of a fake cluster, shared by its handlers and its test.
final class SharedSales: Sendable {
    private let sales: Mutex<MemorySales>

    init(clock: @escaping @Sendable () -> LedgerTime) { sales = Mutex(MemorySales(clock: clock)) }

    func advance(by time: TimeAmount) { sales.withLock { $0.advance(by: time) } }

    /// Decides, and puts a refusal in the words of the wire.
    private func decide<Reply>(
        _ body: (inout sending MemorySales) throws(Refusal) -> sending Reply
    ) throws(Failure) -> Reply {
        do throws(Refusal) {
            return try sales.withLock { sales throws(Refusal) in try body(&sales) }
        } catch {
            let (status, reason) = error.statusAndReason
            throw Failure(status, error == .clockUncertain ? .notExecuted : .executed, reason, error.body)
        }
    }

    /// The methods of sales and orders, as real workers have them.
    var services: [Service] {
        var orders = Service("order")
        orders.add(OrderMethods.place) { request, call throws(Failure) in
            try call.check(request.sale, request.lane, request.key)
            return try self.decide { sales throws(Refusal) in try sales.place(request) }
        }
        orders.add(OrderMethods.placeMany) { request, call throws(Failure) in
            try call.check(request.sale, request.lane, request.key)
            return try self.decide { sales throws(Refusal) in sales.placeMany(request) }
        }
        orders.add(OrderMethods.settle) { request, call throws(Failure) in
            try call.check(request.sale, request.lane, request.key)
            return try self.decide { sales throws(Refusal) in try sales.settle(request) }
        }
        orders.add(OrderMethods.get) { request, call throws(Failure) in
            try call.check(request.order.partition)
            return try self.decide { sales throws(Refusal) in try sales.order(request.order) }
        }
        orders.add(OrderMethods.list) { request, call throws(Failure) in
            try call.check(request.sale, request.lane, nil)
            return try self.decide { sales throws(Refusal) in try sales.orders(request) }
        }
        orders.add(OrderMethods.cancel) { request, call throws(Failure) in
            try call.check(request.order.partition)
            return try self.decide { sales throws(Refusal) in
                try sales.about(request.order) { $0.decide(request, at: $1) }
            }
        }
        orders.add(OrderMethods.revoke) { request, call throws(Failure) in
            try call.check(request.order.partition)
            return try self.decide { sales throws(Refusal) in
                try sales.about(request.order) { $0.decide(request, at: $1) }
            }
        }
        var payments = Service("payment")
        payments.add(PaymentMethods.begin) { request, call throws(Failure) in
            try call.check(request.order.partition)
            return try self.decide { sales throws(Refusal) in
                try sales.about(request.order) { $0.decide(request, at: $1) }
            }
        }
        payments.add(PaymentMethods.record) { request, call throws(Failure) in
            try call.check(request.order.partition)
            return try self.decide { sales throws(Refusal) in
                try sales.about(request.order) { $0.decide(request, at: $1) }
            }
        }
        payments.add(PaymentMethods.list) { request, call throws(Failure) in
            try call.check(request.partition)
            return try self.decide { sales throws(Refusal) in sales.unsettled(request) }
        }
        var sales = Service("sale")
        sales.add(SaleMethods.create) { request, call throws(Failure) in
            try call.check(request.sale, .only, request.key)
            return try self.decide { sales throws(Refusal) in try sales.create(request) }
        }
        sales.add(SaleMethods.change) { request, call throws(Failure) in
            try call.check(request.sale, .only, request.key)
            return try self.decide { sales throws(Refusal) in try sales.change(request) }
        }
        sales.add(SaleMethods.get) { request, call throws(Failure) in
            try call.check(request.sale, request.lane, nil)
            return try self.decide { sales throws(Refusal) in try sales.sale(request.sale, request.lane) }
        }
        sales.add(SaleMethods.list) { request, call throws(Failure) in
            try call.check(request.partition)
            return try self.decide { sales throws(Refusal) in sales.list(request.partition) }
        }
        var worker = Service("worker")
        worker.add(SystemMethods.ping) { _, _ throws(Failure) in WorkerPing(worker: FakeStampede.name) }
        return [orders, payments, sales, worker]
    }
}

extension Service {
    fileprivate mutating func add<Request: MessageBody, Reply: MessageBody>(
        _ method: Method<Request, Reply>,
        _ handler: @escaping @Sendable (Request, InlineCall) throws(Failure) -> Reply
    ) {
        guard let description = MethodDescription.ofSales.first(where: { $0.name == method.name }) else {
            preconditionFailure("\(method.name) has no description")
        }
        unaryInline(method, description, handler)
    }
}

extension InlineCall {
    /// Owners trust the body alone, and refuse a header that says otherwise.
    fileprivate func check(_ sale: SaleID, _ lane: Lane, _ key: RequestKey?) throws(Failure) {
        guard routing == RoutingKey(sale: sale.rawValue, lane: lane.rawValue), isKeyed, !isOfPartition,
            key == nil || key == self.key
        else { throw InlineCall.wrongRoute }
    }

    fileprivate func check(_ partition: Partition) throws(Failure) {
        guard routing.sale == Int64(partition.rawValue), isKeyed, isOfPartition else {
            throw InlineCall.wrongRoute
        }
    }

    private var key: RequestKey {
        guard let key = requestKey else { return RequestKey(rawValue: 0) }
        return RequestKey(rawValue: UInt128(key.high) << 64 | UInt128(key.low))
    }

    private static var wrongRoute: Failure {
        Failure(
            .invalidArgument,
            "Header and body name different sales, lanes, partitions or keys; make the header from the body.",
            certainty: .notExecuted, reason: .wrongRoute)
    }
}
