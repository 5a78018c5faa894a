public import Wire

/// What can be called, answered by the broker from what its workers say of themselves.
public enum ReflectionMethods {
    public static let list = Method<Empty, MethodList>("reflection.list")
    public static let describe = Method<DescribeMethod, MethodDescription>("reflection.describe")
}

public struct MethodList: CodableBody, Hashable {
    public var methods: [Method]

    public struct Method: Codable, Hashable, Sendable {
        public var name: String
        /// "unary", "server-stream", "client-stream" or "bidirectional".
        public var kind: String
        public var about: String

        public init(name: String, kind: String, about: String) {
            self.name = name
            self.kind = kind
            self.about = about
        }

        /// What stands before the last dot of the name.
        public var service: String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? "" }
    }

    public init(methods: [Method]) { self.methods = methods }
}

public struct DescribeMethod: CodableBody, Hashable {
    public var method: String
    public init(method: String) { self.method = method }
}
