/// Where a Redis server listens: `host:port`, `[v6 address]:port`, `unix:/path` or `/path`.
public struct RedisAddress: Hashable, Sendable, CustomStringConvertible {
    enum Endpoint: Hashable, Sendable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    let endpoint: Endpoint

    /// `sun_path` has 108 bytes with its closing zero (unix(7)), and hiredis 0.14 cuts a longer path short
    /// without a word.
    static let longestPath = 107

    /// Reads an address.
    ///
    /// - Throws: `RedisError` with code `invalidAddress` and a sentence that says what is wrong.
    public init(_ text: String) throws(RedisError) {
        if text.hasPrefix("unix:") || text.hasPrefix("/") {
            endpoint = try Self.unix(text)
        } else {
            endpoint = try Self.tcp(text)
        }
    }

    public var description: String {
        switch endpoint {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    private static func unix(_ text: String) throws(RedisError) -> Endpoint {
        let path = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw invalid(text, "write the socket's absolute path, as in unix:/run/redis.sock")
        }
        guard path.utf8.count <= longestPath else {
            throw invalid(text, "use a path of at most \(longestPath) bytes, the limit of unix sockets")
        }
        return .unix(path: path)
    }

    private static func tcp(_ text: String) throws(RedisError) -> Endpoint {
        guard let colon = text.lastIndex(of: ":") else {
            throw invalid(text, "write host:port, as in 127.0.0.1:6379")
        }
        guard let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            throw invalid(text, "use a port from 1 to 65535")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw invalid(text, "put an IPv6 address in brackets, as in [::1]:6379")
        }
        guard !host.isEmpty, !host.utf8.contains(0), !host.contains(" ") else {
            throw invalid(text, "write a host before the colon, as in 127.0.0.1:6379")
        }
        return .tcp(host: String(host), port: port)
    }

    private static func invalid(_ text: String, _ advice: String) -> RedisError {
        RedisError(.invalidAddress, "\"\(text)\" is not the address of a Redis server: \(advice).")
    }
}
