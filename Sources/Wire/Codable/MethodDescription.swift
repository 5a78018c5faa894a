/// What a method is, for reflection. `PROTOCOL.md`, MethodDescription.
public struct MethodDescription: CodableBody, Hashable {
    public var name: String
    /// A `MethodKind`; text, because a newer peer may have others, as in the next two.
    public var kind: String
    /// `keyed`, `partition` or `free`.
    public var routing: String
    /// `normal`, `high` or `system`.
    public var priority: String
    /// A sentence for people.
    public var about: String
    /// Names of types, which `types` describes as far as they are known.
    public var request: String
    public var reply: String
    public var types: [TypeDescription]

    public init(
        name: String, kind: MethodKind, routing: MethodRouting = .free, priority: Priority = .normal,
        about: String = "", request: String, reply: String, types: [TypeDescription]
    ) {
        self.name = name
        self.kind = kind.rawValue
        self.routing = "\(routing)"
        self.priority = "\(priority)"
        self.about = about
        self.request = request
        self.reply = reply
        self.types = types
    }
}

/// Who sends several messages, in the words of the wire.
public enum MethodKind: String, Sendable, CaseIterable {
    case unary
    case serverStream = "server-stream"
    case clientStream = "client-stream"
    case bidirectional
}
