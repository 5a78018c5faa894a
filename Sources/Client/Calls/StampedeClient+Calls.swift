public import Methods
import Sales
import Synchronization
public import Wire

// What knows the types of request and reply is inlinable, so that the caller's module encodes and decodes
// without generics. Everything else is compiled once.
extension StampedeClient {
    /// Calls a unary method and returns its reply.
    ///
    /// Cancelling the task withdraws the attempt if it has not been decided; it never touches an order.
    @inlinable
    nonisolated(nonsending)
        public func call<Request: MessageBody & Routed, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, options: CallOptions = .init()
        ) async throws(CallError) -> Reply
    {
        try await response(method, request, route: request.route, options: options).reply
    }

    /// Calls a unary method that any worker takes.
    ///
    /// - Parameter request: has no request key; set `CallOptions.isIdempotent` if it may run twice.
    @inlinable
    nonisolated(nonsending)
        public func call<Request: MessageBody, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, options: CallOptions = .init()
        ) async throws(CallError) -> Reply
    {
        try await response(method, request, options: options).reply
    }

    /// Calls a unary method and returns its reply with what came beside it.
    ///
    /// - Parameter route: where the call goes, and under which request key; may be left out for a method that
    ///   any worker takes.
    @inlinable
    nonisolated(nonsending)
        public func response<Request: MessageBody, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, route: Route = .anywhere,
            options: CallOptions = .init()
        ) async throws(CallError) -> Response<Reply>
    {
        guard interceptors.isEmpty else {
            return try await intercepted(method, request, route, options)
        }
        return try await direct(method, request, route, options)
    }

    /// The call without interceptors.
    @inlinable
    nonisolated(nonsending)
        func direct<Request: MessageBody, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, _ route: Route, _ options: CallOptions
        ) async throws(CallError) -> Response<Reply>
    {
        precondition(
            method.routing == .free || route != .anywhere,
            "\(method.name) is \(method.routing); give the call a route")
        var draft = try draft(method.id, method.routing, method.priority, route, options)
        request.encode(into: &draft.writer)
        return try Response(await exchange(draft), of: method.name, route)
    }

    /// The call without its body.
    @usableFromInline
    func draft(
        _ method: MethodID, _ routing: MethodRouting, _ priority: Priority, _ route: Route,
        _ options: CallOptions
    ) throws(CallError) -> Draft {
        try Draft(
            Header(call: method, routing, priority, route, .end), route, options, brokers: brokers.count)
    }

    /// Hands a unary call to the I/O thread and waits for its one ending.
    @usableFromInline
    nonisolated(nonsending)
        func exchange(_ draft: consuming Draft) async -> Outcome
    {
        // The seat, once there is one; zero before.
        let seated = Atomic<UInt64>(0)
        guard let frame = draft.frame else { return .refused(.invalidArgument, .tooLarge) }
        let request = draft.request
        // Given away whole, without a second reference: the I/O thread uses its memory for the answer.
        draft.writer = MessagePackWriter()
        var given = Optional(frame)
        return await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                guard let frame = given.take() else { preconditionFailure("a call was submitted twice") }
                switch inbox.submit(Submission(frame: frame, request: request, caller: .unary(waiter))) {
                case .refused(let refusal): waiter.resume(returning: refusal)
                case .seated(let seat):
                    seated.store(seat.rawValue, ordering: .sequentiallyConsistent)
                    // The handler may have run before there was anything to cancel.
                    if Task.isCancelled { inbox.post(.cancel(seat)) }
                }
            }
        } onCancel: {
            let seat = seated.load(ordering: .sequentiallyConsistent)
            if seat != 0 { inbox.post(.cancel(CallID(rawValue: seat))) }
        }
    }
}

extension Route {
    /// To any worker that has the method, without a request key. For methods that are free.
    public static let anywhere = Route(routing: RoutingKey(sale: 0, lane: 0))
}

extension RequestKey {
    /// The key of a route that has one.
    init?(of route: Route) {
        guard route.requestKey != 0 else { return nil }
        self.init(rawValue: route.requestKey)
    }
}

extension CallError {
    /// The call was done, but what it sent back is not what the method promises.
    @usableFromInline
    static func unreadable(_ method: String, _ error: any Error, _ route: Route) -> CallError {
        CallError(
            status: .internal, certainty: .executed,
            message: "\(method) was done, but its reply cannot be read: \(error); update this client",
            requestKey: RequestKey(of: route))
    }
}
