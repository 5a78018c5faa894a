/// A method whose caller, worker or both send several items: its name, and the types of the items.
public struct StreamMethod<Request: MessageBody, Reply: MessageBody>: Sendable {
    public let name: String
    public let id: MethodID
    public let kind: Kind
    public let routing: MethodRouting
    public let priority: Priority
    /// Who may call it, at brokers that ask for keys.
    public let role: Role

    /// Who sends more than one. gRPC's three kinds of streams (grpc/doc/PROTOCOL-HTTP2.md).
    public enum Kind: Sendable, CaseIterable {
        /// One request, many replies.
        case serverStream
        /// Many requests, one reply.
        case clientStream
        /// Many of both, in any order.
        case bidirectional
    }

    public init(
        _ name: String, _ kind: Kind, _ routing: MethodRouting = .free, priority: Priority = .normal,
        role: Role = .service
    ) {
        self.name = name
        self.id = MethodID(name)
        self.kind = kind
        self.routing = routing
        self.priority = priority
        self.role = role
    }
}
