/// A unary method: its name, and the types of its one request and one reply.
public struct Method<Request: MessageBody, Reply: MessageBody>: Sendable {
    public let name: String
    public let id: MethodID
    public let routing: MethodRouting
    public let priority: Priority
    /// Who may call it, at brokers that ask for keys.
    public let role: Role

    public init(
        _ name: String, _ routing: MethodRouting = .free, priority: Priority = .normal, role: Role = .service
    ) {
        self.name = name
        self.id = MethodID(name)
        self.routing = routing
        self.priority = priority
        self.role = role
    }
}

/// Which worker a call goes to.
public enum MethodRouting: Sendable, CaseIterable {
    /// To the owner of the sale's partition.
    case keyed
    /// To the owner of a partition named in the request.
    case partition
    /// To the least loaded worker that has the method.
    case free
}

/// The body of a request or reply: one MessagePack map with string keys.
///
/// Unknown fields are skipped, so a newer peer may send more than an older one knows.
public protocol MessageBody: Sendable {
    /// Reads the body that begins at `offset` and moves `offset` past it.
    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError)
    /// Appends the body.
    func encode(into writer: inout MessagePackWriter)
}

/// The body of a request or reply that says nothing: an empty map.
public struct Empty: MessageBody, Hashable {
    public init() {}
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        try bytes.skipValue(at: &offset)
    }
    public func encode(into writer: inout MessagePackWriter) { writer.map(0) }
}
