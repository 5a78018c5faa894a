public import Wire

/// A named set of methods and what answers them. Given to a `ServiceHost`, which connects it to brokers.
///
/// A method's whole name is the service's and its own, such as `greeter.hello`.
public struct Service: Sendable {
    public let name: String
    private(set) var methods: [ServiceMethod] = []

    /// - Parameter name: 1 to 60 bytes. The part of a method's name before its last dot, so it may have dots.
    public init(_ name: String) {
        precondition(1...60 ~= name.utf8.count, "'\(name)' is not a service's name: 1 to 60 bytes")
        self.name = name
    }

    /// What reflection says of the methods.
    public var descriptions: [MethodDescription] { methods.map(\.description) }

    @usableFromInline
    mutating func add<Request: MessageBody, Reply: MessageBody>(
        _ method: String, _ kind: MethodKind, _ priority: Priority, _ about: String, _: Request.Type,
        _: Reply.Type, _ handler: ServiceMethod.Handler
    ) {
        let full = "\(name).\(method)"
        precondition(
            !method.isEmpty && !method.contains(".") && full.utf8.count <= Limits.nameLength,
            "'\(method)' is not a method's name: some bytes without a dot, \(Limits.nameLength) with the service's"
        )
        let described = ServiceMethod.describe(Request.self, Reply.self)
        append(
            MethodDescription(
                name: full, kind: kind, priority: priority, about: about,
                request: described.names[0], reply: described.names[1], types: described.types),
            kind, handler)
    }

    mutating func append(
        _ description: MethodDescription, _ kind: MethodKind, _ handler: ServiceMethod.Handler
    ) {
        let name = description.name
        precondition(!methods.contains { $0.name == name }, "\(name) is defined twice")
        methods.append(
            ServiceMethod(
                name: name, id: MethodID(name), kind: kind, description: description, handler: handler))
    }
}

/// One method of a service, with its types erased.
@usableFromInline
struct ServiceMethod: Sendable {
    let name: String
    let id: MethodID
    let kind: MethodKind
    let description: MethodDescription
    let handler: Handler

    @usableFromInline
    enum Handler: Sendable {
        /// Runs in a task of its own. Gets the request's body, plain, and returns the reply's, or none for
        /// kinds whose RESULT has none.
        case task(@Sendable (ServiceCall, [UInt8]) async throws -> [UInt8])
        /// Runs on the I/O thread: reads the request at an offset of a frame, and writes the reply.
        case inline(Inline)
    }

    @usableFromInline
    typealias Inline =
        @Sendable (Span<UInt8>, Int, InlineCall, inout MessagePackWriter) throws(Failure) -> Void

    /// What stands before the last dot.
    static func service(of method: String) -> String {
        method.lastIndex(of: ".").map { String(method[..<$0]) } ?? ""
    }

    /// Names of both types, and the descriptions of those that can be looked into.
    static func describe(_ request: Any.Type, _ reply: Any.Type) -> (
        names: [String], types: [TypeDescription]
    ) {
        let known = [request, reply].map { $0 as? any Decodable.Type }
        let (names, types) = TypeDescription.describe(known.compactMap { $0 })
        var rest = names[...]
        return (
            zip([request, reply], known).map { type, known in
                known == nil ? "\(type)" : rest.removeFirst()
            }, types
        )
    }
}
