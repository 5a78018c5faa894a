public import Wire

/// What is asked of a server over HTTP.
public struct HTTPRequest: Sendable {
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    public let method: Method
    /// `http://` or `https://`; certificates are checked.
    public let url: String
    public var headers: [(String, String)]
    public var body: [UInt8]
    public var connectTimeout = TimeAmount.seconds(2)
    /// From the first byte to the last of the answer, connecting included.
    public var timeout = TimeAmount.seconds(10)
    /// Of the answer, in bytes; a longer one ends as `unknown`.
    public var bodyLimit = 1 << 20

    public init(_ method: Method, _ url: String, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// What a server answered. Redirects are answers like others: nobody is sent elsewhere with a secret in his hand.
public struct HTTPResponse: Sendable {
    public let status: Int
    /// The header Retry-After, if there is one.
    public let retryAfter: TimeAmount?
    public let body: [UInt8]

    public init(status: Int, retryAfter: TimeAmount? = nil, body: [UInt8] = []) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// Why there is no answer. The words hold nothing of the request.
public enum HTTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The request never arrived.
    case unreachable(String)
    /// It may have arrived.
    case unknown(String)
    /// As many requests wait as the client takes; this one was not sent.
    case busy

    public var description: String {
        switch self {
        case .unreachable(let words), .unknown(let words): words
        case .busy: "too many requests wait for the server"
        }
    }
}
