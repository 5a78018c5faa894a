public import Methods
import Sales
import Synchronization
public import Wire
import ZeroMQ

extension StampedeClient {
    /// Calls a unary method and returns its reply.
    ///
    /// Cancelling the task withdraws the attempt if it has not been decided; it never touches an order.
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
    nonisolated(nonsending)
        public func call<Request: MessageBody, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, options: CallOptions = .init()
        ) async throws(CallError) -> Reply
    {
        precondition(method.routing == .free, "\(method.name) is \(method.routing); give the call a route")
        return try await response(method, request, route: .anywhere, options: options).reply
    }

    /// Calls a unary method and returns its reply with what came beside it.
    ///
    /// - Parameter route: where the call goes, and under which request key.
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
        var header = Header(call: method.id, method.routing, method.priority, route, .end)
        var writer = MessagePackWriter()
        writer.reserve(128)
        let outcome: Outcome
        if writer.begin(options.metadata, &header) {
            request.encode(into: &writer)
            outcome = await exchange(
                header, writer.bytes, isRepeatable: route.isRepeatable || options.isIdempotent, options)
        } else {
            outcome = .refused(.invalidArgument, .badMetadata)
        }
        guard outcome.ending.status == .ok else {
            throw CallError(outcome, requestKey: RequestKey(of: route))
        }
        do {
            return Response(
                reply: try outcome.answer.body(as: Reply.self), metadata: outcome.answer.metadata,
                attempts: Int(outcome.ending.attempts))
        } catch {
            throw CallError.unreadable(method.name, error, requestKey: RequestKey(of: route))
        }
    }

    /// Hands a unary call to the I/O thread and waits for its one ending.
    private nonisolated(nonsending)
        func exchange(
            _ header: Header, _ payload: [UInt8], isRepeatable: Bool, _ options: CallOptions
        ) async -> Outcome
    {
        if let refusal = refusal(payload, options) { return refusal }
        let request = ClientCore.Request(
            isRepeatable: isRepeatable, maximumAttempts: UInt8(options.maximumAttempts),
            deadline: options.end(ofStream: false, now: .now()), pin: Int32(options.broker ?? -1),
            method: header.method, key: header.brokerKey, hedge: options.hedge)
        // The seat, once there is one; zero before.
        let seated = Atomic<UInt64>(0)
        return await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                let submission = Submission(
                    header: header, payload: payload, request: request, caller: .unary(waiter))
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

    /// What the client refuses by itself.
    func refusal(_ payload: [UInt8], _ options: CallOptions) -> Outcome? {
        guard Header.size + payload.count <= Limits.messageSize else {
            return .refused(.invalidArgument, .tooLarge)
        }
        if let broker = options.broker, !brokers.indices.contains(broker) {
            return .refused(.invalidArgument, .noSuchBroker)
        }
        return nil
    }
}

extension MessagePackWriter {
    /// Begins a payload with metadata. False when they are beyond their limits.
    mutating func begin(_ metadata: Metadata, _ header: inout Header) -> Bool {
        if metadata.isEmpty { return true }
        do {
            try metadata.encode(into: &self)
        } catch {
            return false
        }
        header.metadataLength = UInt16(bytes.count)
        return true
    }
}

extension Route {
    /// To any worker that has the method, without a request key. For methods that are free.
    public static let anywhere = Route(routing: RoutingKey(sale: 0, lane: 0))
}

extension CallError {
    /// The call was done, but what it sent back is not what the method promises.
    static func unreadable(_ method: String, _ error: WireError, requestKey: RequestKey?) -> CallError {
        CallError(
            status: .internal, certainty: .executed,
            message: "\(method) was done, but its reply cannot be read: \(error); update this client",
            requestKey: requestKey)
    }
}
