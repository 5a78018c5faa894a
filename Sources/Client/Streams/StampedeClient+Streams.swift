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
            let items = Items<Request>(pipe: pipe, requestKey: RequestKey(of: route))
            return try await body(items, replies(of: method, route, pipe))
        }
    }

    private func replies<Request, Reply>(
        of method: StreamMethod<Request, Reply>, _ route: Route, _ pipe: StreamPipe
    ) -> Replies<Reply> {
        Replies(
            pipe: pipe, method: method.name, requestKey: RequestKey(of: route),
            isInResult: method.kind == .clientStream)
    }

    /// Makes a call that ends with its scope, interceptors around both.
    private nonisolated(nonsending)
        func scoped<Request: MessageBody, Reply: MessageBody, Result>(
            _ method: StreamMethod<Request, Reply>, _ request: Request?, _ route: Route,
            _ options: CallOptions, _ body: nonisolated(nonsending) (StreamPipe) async throws -> Result
        ) async throws -> Result
    {
        precondition(
            method.routing == .free || route != .anywhere,
            "\(method.name) is \(method.routing); give the call a route")
        guard !interceptors.isEmpty else {
            let pipe = open(method, request, route, options)
            return try await within(pipe, body)
        }
        return try await intercepted(method, options) { options in
            let pipe = open(method, request, route, options)
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
    ) -> StreamPipe {
        let pipe = StreamPipe(inbox: inbox, window: options.window)
        var flags: Header.Flags = [.stream]
        if request != nil { flags.insert(.end) }
        var header = Header(call: method.id, method.routing, method.priority, route, flags)
        var writer = MessagePackWriter()
        guard writer.begin(options.metadata, &header) else {
            pipe.end(.refused(.invalidArgument, .badMetadata))
            return pipe
        }
        request?.encode(into: &writer)
        if let refusal = refusal(writer.bytes, options) {
            pipe.end(refusal)
            return pipe
        }
        let flow = StreamFlow(
            sendsItems: request == nil, receivesItems: method.kind != .clientStream, window: options.window)
        let submission = Submission(
            header: header, payload: writer.bytes,
            request: ClientCore.Request(
                isRepeatable: route.isRepeatable || options.isIdempotent,
                maximumAttempts: UInt8(options.maximumAttempts),
                deadline: options.end(ofStream: true, now: .now()), pin: Int32(options.broker ?? -1),
                method: header.method, key: header.brokerKey, stream: flow),
            caller: .stream(pipe))
        switch inbox.submit(submission) {
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
            pipe.leave()
        }
    }
}

extension RequestKey {
    /// The key of a route that has one.
    init?(of route: Route) {
        guard route.requestKey != 0 else { return nil }
        self.init(rawValue: route.requestKey)
    }
}
