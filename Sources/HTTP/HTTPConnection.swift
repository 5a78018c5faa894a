/// Sends requests one after the other from a thread that has nothing else to do, over a connection that it keeps.
///
/// Blocks for no longer than a request's `timeout`. Belongs to one thread.
public final class HTTPConnection {
    private let curl = Curl()

    public init() {}

    public func send(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
        try curl.perform(request).get()
    }
}

@available(*, unavailable)
extension HTTPConnection: Sendable {}
