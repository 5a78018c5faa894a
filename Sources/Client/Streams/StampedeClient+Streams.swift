public import Methods
import Sales
public import Wire
import ZeroMQ

extension StampedeClient {
    /// Calls a method that replies with a stream, and lends its items to `body`.
    ///
    /// The call lives as long as `body`: leaving it, or cancelling the task, cancels what has not ended.
    ///
    ///     try await client.stream(HealthMethods.watch, HealthCheck()) { replies in
    ///         for try await health in replies { print(health.status) }
    ///     }
    ///
    /// - Throws: what `body` throws. `replies` throw a `CallError` when the call fails.
    nonisolated(nonsending)
        public func stream<Request: MessageBody, Reply: MessageBody, Result>(
            _ method: StreamMethod<Request, Reply>, _ request: Request, route: Route = .anywhere,
            options: CallOptions = .init(),
            _ body: nonisolated(nonsending) (Replies<Reply>) async throws -> Result
        ) async throws -> Result
    {
        precondition(method.kind == .serverStream, "\(method.name) is not a server-stream")
        return try await scoped(method, request, route, options) { pipe in
            try await body(replies(of: method, route, pipe))
        }
    }

    /// Calls a method that replies with a stream, routed as its request says.
    nonisolated(nonsending)
        public func stream<Request: MessageBody & Routed, Reply: MessageBody, Result>(
            _ method: StreamMethod<Request, Reply>, _ request: Request, options: CallOptions = .init(),
            _ body: nonisolated(nonsending) (Replies<Reply>) async throws -> Result
        ) async throws -> Result
    {
        try await stream(method, request, route: request.route, options: options, body)
    }

    /// Calls a method that takes a stream, and lends both directions to `body`.
    ///
    /// The call lives as long as `body`: leaving it, or cancelling the task, cancels what has not ended. The one
    /// reply of a client-stream is `replies.reply()`.
    ///
    ///     let total = try await client.stream(sum) { items, replies in
    ///         for number in 1...10 { try await items.send(Number(number)) }
    ///         items.finish()
    ///         return try await replies.reply()
    ///     }
    ///
    /// - Throws: what `body` throws. `items` and `replies` throw a `CallError` when the call fails.
    nonisolated(nonsending)
        public func stream<Request: MessageBody, Reply: MessageBody, Result>(
            _ method: StreamMethod<Request, Reply>, route: Route = .anywhere, options: CallOptions = .init(),
            _ body: nonisolated(nonsending) (Items<Request>, Replies<Reply>) async throws -> Result
        ) async throws -> Result
    {
        precondition(method.kind != .serverStream, "\(method.name) takes one request; pass it")
        return try await scoped(method, nil, route, options) { pipe in
            let items = Items<Request>(
                pipe: pipe, route: route, compresses: options.compression == .both)
            return try await body(items, replies(of: method, route, pipe))
        }
    }

    private func replies<Request, Reply>(
        of method: StreamMethod<Request, Reply>, _ route: Route, _ pipe: StreamPipe
    ) -> Replies<Reply> {
        Replies(
            pipe: pipe, method: method.name, route: route,
            isInResult: method.kind == .clientStream)
    }

    /// Makes a call that ends with its scope, interceptors around both.
    private nonisolated(nonsending)
        func scoped<Request: MessageBody, Reply: MessageBody, Result>(
            _ method: StreamMethod<Request, Reply>, _ request: Request?, _ route: Route,
            _ options: CallOptions, _ body: nonisolated(nonsending) (StreamPipe) async throws -> Result
        ) async throws -> Result
    {
        guard !interceptors.isEmpty else {
            let pipe = try open(method, request, route, options)
            return try await within(pipe, body)
        }
        return try await intercepted(method, options) { options throws(CallError) in
            let pipe = try open(method, request, route, options)
            do {
                return (pipe, .success(try await within(pipe, body)))
            } catch {
                return (pipe, .failure(error))
            }
        }
    }

    /// Begins the call. A refusal is its end, which the scope's first look finds.
    private func open<Request: MessageBody, Reply: MessageBody>(
        _ method: StreamMethod<Request, Reply>, _ request: Request?, _ route: Route, _ options: CallOptions
    ) throws(CallError) -> StreamPipe {
        precondition(
            method.routing == .free || route != .anywhere,
            "\(method.name) is \(method.routing); give the call a route")
        let pipe = StreamPipe(inbox: inbox, window: options.window)
        let header = Header(
            call: method.id, method.routing, method.priority, route,
            request == nil ? .stream : [.stream, .end])
        let terms = StreamTerms(
            sendsItems: request == nil, receivesItems: method.kind != .clientStream,
            window: UInt16(options.window))
        var draft = try Draft(header, route, options, brokers: brokers.count, stream: terms)
        request?.encode(into: &draft.writer)
        guard let frame = draft.frame else {
            throw CallError(.refused(.invalidArgument, .tooLarge), route)
        }
        switch inbox.submit(Submission(frame: frame, request: draft.request, caller: .stream(pipe))) {
        case .seated(let seat): pipe.seated(seat)
        case .refused(let refusal): pipe.end(refusal)
        }
        return pipe
    }

    private nonisolated(nonsending)
        func within<Result>(
            _ pipe: StreamPipe, _ body: nonisolated(nonsending) (StreamPipe) async throws -> Result
        ) async throws -> Result
    {
        defer { pipe.leave() }
        return try await withTaskCancellationHandler {
            try await body(pipe)
        } onCancel: {
            pipe.cancel()
        }
    }
}
