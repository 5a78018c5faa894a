public import Wire

extension Service {
    /// Defines a method with one request and one reply. The handler runs in a task of its own, which is
    /// cancelled when the caller gives up, its deadline passes, or the broker is lost.
    public mutating func unary<Request: MessageBody, Reply: MessageBody>(
        _ name: String, priority: Priority = .normal, about: String = "",
        _ handler: @escaping @Sendable (Request, ServiceCall) async throws -> Reply
    ) {
        add(
            name, .unary, priority, about, Request.self, Reply.self,
            .task { call, body in
                BodyBytes.encode(try await handler(try BodyBytes.decode(body), call))
            })
    }

    /// Defines a method of the project's own by its description.
    package mutating func unary<Request: MessageBody, Reply: MessageBody>(
        _ method: Method<Request, Reply>, _ description: MethodDescription,
        _ handler: @escaping @Sendable (Request, ServiceCall) async throws -> Reply
    ) {
        precondition(
            method.name == description.name && ServiceMethod.service(of: method.name) == name,
            "\(method.name) is not a method of \(name)")
        append(
            description, .unary,
            .task { call, body in
                BodyBytes.encode(try await handler(try BodyBytes.decode(body), call))
            })
    }

    /// Defines a method whose handler runs on the host's I/O thread, without a task: for those that only
    /// compute, in less than a millisecond, since everything else waits meanwhile. Over a hundred thousand
    /// calls a second go through one host. Interceptors do not see these calls.
    @inlinable
    public mutating func unaryInline<Request: MessageBody, Reply: MessageBody>(
        _ name: String, priority: Priority = .normal, about: String = "",
        _ handler: @escaping @Sendable (Request, InlineCall) throws(Failure) -> Reply
    ) {
        add(name, .unary, priority, about, Request.self, Reply.self, Service.inline(handler))
    }

    /// Defines a method of the project's own by its description. The handler runs in a task.
    package mutating func unary<Request: MessageBody, Reply: MessageBody>(
        _ method: Method<Request, Reply>, _ description: MethodDescription,
        _ handler: @escaping @Sendable (Request, ServiceCall) async throws -> Reply
    ) {
        precondition(
            method.name == description.name && ServiceMethod.service(of: method.name) == name,
            "\(method.name) is not a method of \(name)")
        append(
            description, .unary,
            .task { call, body in
                BodyBytes.encode(try await handler(try BodyBytes.decode(body), call))
            })
    }

    /// Defines a method of the project's own, keyed ones included, by its description.
    package mutating func unaryInline<Request: MessageBody, Reply: MessageBody>(
        _ method: Method<Request, Reply>, _ description: MethodDescription,
        _ handler: @escaping @Sendable (Request, InlineCall) throws(Failure) -> Reply
    ) {
        precondition(
            method.name == description.name && ServiceMethod.service(of: method.name) == name,
            "\(method.name) is not a method of \(name)")
        append(description, .unary, Service.inline(handler))
    }

    // Inlinable, so that the module that knows the bodies' types reads and writes them without detours.
    @inlinable
    static func inline<Request: MessageBody, Reply: MessageBody>(
        _ handler: @escaping @Sendable (Request, InlineCall) throws(Failure) -> Reply
    ) -> ServiceMethod.Handler {
        .inline { frame, offset, call, writer throws(Failure) in
            try handler(try BodyBytes.decode(frame, at: offset), call).encode(into: &writer)
        }
    }

    /// Defines a method with one request and many replies.
    public mutating func serverStream<Request: MessageBody, Reply: MessageBody>(
        _ name: String, priority: Priority = .normal, about: String = "",
        _ handler: @escaping @Sendable (Request, ReplyWriter<Reply>, ServiceCall) async throws -> Void
    ) {
        add(
            name, .serverStream, priority, about, Request.self, Reply.self,
            .task { call, body in
                try await handler(try BodyBytes.decode(body), ReplyWriter(channel: call.channel), call)
                return []
            })
    }

    /// Defines a method with many requests and one reply.
    public mutating func clientStream<Request: MessageBody, Reply: MessageBody>(
        _ name: String, priority: Priority = .normal, about: String = "",
        _ handler: @escaping @Sendable (RequestItems<Request>, ServiceCall) async throws -> Reply
    ) {
        add(
            name, .clientStream, priority, about, Request.self, Reply.self,
            .task { call, _ in
                BodyBytes.encode(try await handler(RequestItems(channel: call.channel), call))
            })
    }

    /// Defines a method with many requests and many replies, in any order.
    public mutating func bidirectional<Request: MessageBody, Reply: MessageBody>(
        _ name: String, priority: Priority = .normal, about: String = "",
        _ handler:
            @escaping @Sendable (RequestItems<Request>, ReplyWriter<Reply>, ServiceCall) async throws -> Void
    ) {
        add(
            name, .bidirectional, priority, about, Request.self, Reply.self,
            .task { call, _ in
                try await handler(
                    RequestItems(channel: call.channel), ReplyWriter(channel: call.channel), call)
                return []
            })
    }
}
