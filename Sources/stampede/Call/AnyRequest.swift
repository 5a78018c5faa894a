import Client
import Methods
import Sales
import Wire

/// A request of a method that is known only by its description.
struct AnyRequest: MessageBody, Routed {
    private let value: MessagePackValue
    private let description: MethodDescription
    private let routing: RoutingKey
    // Two words: a UInt128 must not be held across a suspension.
    private let keyHigh: UInt64
    private let keyLow: UInt64

    init(_ value: MessagePackValue, _ description: MethodDescription) throws(Failure) {
        self.value = value
        self.description = description
        routing = try AnyRequest.routing(of: value, description)
        var key: UInt128 = 0
        if case .binary(let bytes)? = value["key"] { key = RequestKey(bytes: bytes).rawValue }
        keyHigh = UInt64(truncatingIfNeeded: key >> 64)
        keyLow = UInt64(truncatingIfNeeded: key)
    }

    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        throw WireError(.wrongType, at: offset)
    }

    func encode(into writer: inout MessagePackWriter) { value.encode(into: &writer) }

    var route: Route {
        Route(routing: routing, requestKey: UInt128(keyHigh) << 64 | UInt128(keyLow))
    }

    private static func routing(
        of value: MessagePackValue, _ description: MethodDescription
    ) throws(Failure) -> RoutingKey {
        func number(_ field: String) throws(Failure) -> Int64 {
            guard case .int(let number)? = value[field] else {
                throw Failure(.usage, "‘\(field)’ is missing: the method is routed by it")
            }
            return number
        }
        switch description.routing {
        case "keyed":
            let lane = value["lane"] == nil ? 0 : try number("lane")
            return RoutingKey(sale: try number("sale"), lane: Int16(clamping: lane))
        case "partition":
            if case .string(let text)? = value["order"], let id = OrderID(text) {
                return RoutingKey(sale: Int64(id.partition.rawValue), lane: 0)
            }
            return RoutingKey(sale: try number("partition"), lane: 0)
        default:
            guard OneWorker.serves(MethodID(description.name)), case .string(let worker)? = value["worker"]
            else { return RoutingKey(sale: 0, lane: 0) }
            return OneWorker.routing(of: worker)
        }
    }

    private var methodRouting: MethodRouting {
        MethodRouting.allCases.first { "\($0)" == description.routing } ?? .free
    }

    private var priority: Priority {
        Priority.allCases.first { "\($0)" == description.priority } ?? .normal
    }

    /// Calls, and hands each reply on.
    func perform(
        _ client: StampedeClient, _ options: CallOptions, _ reply: @Sendable (MessagePackValue) -> Void
    ) async throws {
        switch MethodKind(rawValue: description.kind) {
        case .unary:
            let method = Method<AnyRequest, MessagePackValue>(
                description.name, methodRouting, priority: priority)
            reply(try await client.call(method, self, options: options))
        case .serverStream:
            let method = StreamMethod<AnyRequest, MessagePackValue>(
                description.name, .serverStream, methodRouting, priority: priority)
            var options = options
            options.deadline = nil
            try await client.stream(method, self, options: options) { replies in
                for try await item in replies { reply(item) }
            }
        case .clientStream, .bidirectional, nil:
            throw Failure(
                .refused, "‘\(description.name)’ is a \(description.kind) method: write a client for it")
        }
    }
}

extension RequestKey {
    /// 16 bytes, most significant first.
    init(bytes: [UInt8]) {
        self.init(rawValue: bytes.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) })
    }
}
