public import Methods
import Sales
import Synchronization
public import Wire

extension StampedeClient {
    /// Calls a unary method and returns its reply.
    ///
    /// Cancelling the task withdraws the attempt if it has not been decided; it never touches an order.
    nonisolated(nonsending)
        public func call<Request: MessageBody & Routed, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, options: CallOptions = .init()
        ) async throws(CallError) -> Reply
    {
        let route = request.route
        guard interceptors.isEmpty else {
            return try await intercepted(method, request, route, options).reply
        }
        return try decode(await exchange(try draft(method, request, route, options)), method.name, route)
    }

    /// Calls a unary method that any worker takes.
    ///
    /// - Parameter request: has no request key; set `CallOptions.isIdempotent` if it may run twice.
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
    nonisolated(nonsending)
        func direct<Request: MessageBody, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, _ route: Route, _ options: CallOptions
        ) async throws(CallError) -> Response<Reply>
    {
        let outcome = await exchange(try draft(method, request, route, options))
        return Response(
            reply: try decode(outcome, method.name, route), metadata: outcome.answer.metadata,
            attempts: Int(outcome.ending.attempts))
    }

    private func draft<Request: MessageBody, Reply: MessageBody>(
        _ method: Method<Request, Reply>, _ request: Request, _ route: Route, _ options: CallOptions
    ) throws(CallError) -> Draft {
        precondition(
            method.routing == .free || route != .anywhere,
            "\(method.name) is \(method.routing); give the call a route")
        let header = Header(call: method.id, method.routing, method.priority, route, .end)
        return try Draft(header, body: request, route, options, brokers: brokers.count)
    }

    private func decode<Reply: MessageBody>(
        _ outcome: Outcome, _ method: String, _ route: Route
    ) throws(CallError) -> Reply {
        guard outcome.ending.status == .ok else { throw CallError(outcome, route) }
        do {
            return try outcome.answer.body(as: Reply.self)
        } catch {
            throw CallError.unreadable(method, error, route)
        }
    }

    /// Hands a unary call to the I/O thread and waits for its one ending.
    private nonisolated(nonsending) func exchange(_ draft: consuming Draft) async -> Outcome {
        // The seat, once there is one; zero before.
        let seated = Atomic<UInt64>(0)
        // Given away whole, so that the I/O thread may use its memory for the answer.
        var draft = Optional(draft)
        return await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                guard let draft = draft.take() else { preconditionFailure("a call was submitted twice") }
                let submission = Submission(
                    frame: draft.frame, request: draft.request, caller: .unary(waiter))
                switch inbox.submit(submission) {
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
    static func unreadable(_ method: String, _ error: any Error, _ route: Route) -> CallError {
        CallError(
            status: .internal, certainty: .executed,
            message: "\(method) was done, but its reply cannot be read: \(error); update this client",
            requestKey: RequestKey(of: route))
    }
}
