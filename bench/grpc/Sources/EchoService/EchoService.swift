public import GRPCCore

/// One unary method that returns what it was sent.
public enum Echo {
    public static let method = MethodDescriptor(fullyQualifiedService: "bench.Bench", method: "Echo")

    /// Bytes as they are: what protobuf would cost is no part of the comparison.
    public struct Codec: MessageSerializer, MessageDeserializer {
        public init() {}

        public func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes {
            Bytes(message)
        }

        public func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
            bytes.withUnsafeBytes { Array($0) }
        }
    }

    public struct Server: RegistrableRPCService {
        public init() {}

        public func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
            router.registerHandler(
                forMethod: Echo.method, deserializer: Codec(), serializer: Codec()
            ) { request, _ in
                let single = try await ServerRequest(stream: request)
                return StreamingServerResponse(single: ServerResponse(message: single.message))
            }
        }
    }
}
