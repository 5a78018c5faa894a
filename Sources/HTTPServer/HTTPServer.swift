import CMicroHTTPD
import Glibc
import Synchronization

/// What came over HTTP.
public struct IncomingRequest: Sendable {
    public let method: String
    /// Without the query.
    public let path: String
    public let query: [String: String]
    /// By their names in lower case.
    public let headers: [String: String]
    public let body: [UInt8]
}

/// What goes back.
public struct OutgoingResponse: Sendable {
    public let status: Int
    public let headers: [(String, String)]
    public let body: [UInt8]

    public init(status: Int, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why a server could not be started, in a sentence.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// A small server for HTTP/1.1 (RFC 9112), for webhooks and the sandbox: libmicrohttpd around one async function.
///
/// For inside a network, or behind a proxy that does TLS.
public final class HTTPServer: Sendable {
    /// Connections at a time; more are closed at once.
    public static let connectionLimit: UInt32 = 1_024
    /// Seconds without a byte after which a connection is closed.
    public static let silence: UInt32 = 30
    /// Of a request's body, in bytes; a longer one is answered with 413.
    public static let bodyLimit = 1 << 20
    /// Of a request's head, in bytes, with what else a connection needs; a longer one is answered with 431.
    static let headLimit = 32_768

    public typealias Handler = @Sendable (IncomingRequest) async -> OutgoingResponse

    private let core: Core
    public let port: UInt16

    /// Listens.
    ///
    /// - Parameters:
    ///   - address: of IPv4.
    ///   - port: 0 for any that is free.
    ///   - handler: called for many requests at a time.
    public init(address: String = "127.0.0.1", port: UInt16 = 0, handler: @escaping Handler)
        throws(HTTPServerError)
    {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else {
            throw HTTPServerError(description: "‘\(address)’ is no IPv4 address, such as 127.0.0.1")
        }
        core = Core(handler)
        let state = Unmanaged.passUnretained(core).toOpaque()
        let daemon = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                http_start(
                    address, HTTPServer.connectionLimit, HTTPServer.silence, HTTPServer.headLimit,
                    Core.access, Core.completed, state)
            }
        }
        guard let daemon else {
            throw HTTPServerError(
                description: "cannot listen on \(address):\(port): \(String(cString: strerror(errno)))")
        }
        core.daemon.withLock { $0 = Core.Daemon(pointer: daemon) }
        self.port = http_port(daemon)
    }

    /// Takes no more requests, finishes those that are being answered, and ends.
    public func stop() async { await core.stop() }
}

/// What the server's thread and the tasks that make its answers share.
private final class Core: Sendable {
    /// Unchecked: libmicrohttpd's functions may be called from any thread.
    struct Daemon: @unchecked Sendable { let pointer: OpaquePointer }

    let daemon = Mutex<Daemon?>(nil)
    private let handler: HTTPServer.Handler
    /// Requests whose answers are being made: their connections are suspended.
    private let underWay = Atomic(0)
    private let isStopping = Atomic(false)

    init(_ handler: @escaping HTTPServer.Handler) { self.handler = handler }

    func stop() async {
        guard !isStopping.exchange(true, ordering: .sequentiallyConsistent) else { return }
        // A daemon may only be stopped when no connection is suspended.
        while underWay.load(ordering: .sequentiallyConsistent) > 0 {
            try? await Task.sleep(for: .milliseconds(5))
        }
        guard let daemon = daemon.withLock({ $0.take() }) else { return }
        MHD_stop_daemon(daemon.pointer)
    }

    /// One request, from its head to its answer. Touched by the server's thread, and while its connection is suspended by the
    /// task that makes the answer: never by both.
    private final class Exchange: @unchecked Sendable {
        var body: [UInt8] = []
        var isTooLong = false
        var response: OutgoingResponse?

        func take(_ piece: UnsafeRawBufferPointer) {
            guard !isTooLong, body.count + piece.count <= HTTPServer.bodyLimit else {
                isTooLong = true
                body = []
                return
            }
            body.append(contentsOf: piece)
        }
    }

    private struct Connection: @unchecked Sendable { let pointer: OpaquePointer }

    /// `MHD_AccessHandlerCallback`: with the head, then with each piece of the body, then without any, and once more after
    /// the connection was resumed.
    static let access: MHD_AccessHandlerCallback = {
        state, connection, url, method, _, piece, size, slot in
        guard let state, let connection, let url, let method, let size, let slot else { return .NO }
        let core = Unmanaged<Core>.fromOpaque(state).takeUnretainedValue()
        guard let known = slot.pointee else {
            // Taken back in `completed`.
            slot.pointee = Unmanaged.passRetained(Exchange()).toOpaque()
            return .YES
        }
        let exchange = Unmanaged<Exchange>.fromOpaque(known).takeUnretainedValue()
        if size.pointee > 0 {
            exchange.take(UnsafeRawBufferPointer(start: piece, count: size.pointee))
            size.pointee = 0
            return .YES
        }
        if exchange.isTooLong { exchange.response = OutgoingResponse(status: 413) }
        if let response = exchange.response { return Core.send(response, on: connection) }
        // Counted before it looks, so that `stop` waits for it or it sees that the server stops.
        core.underWay.add(1, ordering: .sequentiallyConsistent)
        guard !core.isStopping.load(ordering: .sequentiallyConsistent) else {
            core.underWay.subtract(1, ordering: .sequentiallyConsistent)
            return Core.send(
                OutgoingResponse(status: 503, headers: [("retry-after", "1")]), on: connection)
        }
        core.answer(
            IncomingRequest(
                method: String(cString: method), path: String(cString: url),
                query: Core.values(of: connection, .GET_ARGUMENT_KIND),
                headers: Core.values(of: connection, .HEADER_KIND), body: exchange.body),
            exchange, Connection(pointer: connection))
        return .YES
    }

    static let completed: MHD_RequestCompletedCallback = { _, _, slot, _ in
        guard let known = slot?.pointee else { return }
        Unmanaged<Exchange>.fromOpaque(known).release()
        slot?.pointee = nil
    }

    private func answer(_ request: IncomingRequest, _ exchange: Exchange, _ connection: Connection) {
        MHD_suspend_connection(connection.pointer)
        Task { [self] in
            exchange.response = await handler(request)
            MHD_resume_connection(connection.pointer)
            underWay.subtract(1, ordering: .sequentiallyConsistent)
        }
    }

    private static func send(_ response: OutgoingResponse, on connection: OpaquePointer) -> MHD_Result {
        var body = response.body
        guard let made = MHD_create_response_from_buffer(body.count, &body, .RESPMEM_MUST_COPY) else {
            return .NO
        }
        defer { MHD_destroy_response(made) }
        for (name, value) in response.headers { MHD_add_response_header(made, name, value) }
        return MHD_queue_response(connection, UInt32(response.status), made)
    }

    private static func values(of connection: OpaquePointer, _ kind: MHD_ValueKind) -> [String: String] {
        var values: [String: String] = [:]
        withUnsafeMutablePointer(to: &values) { pointer in
            _ = MHD_get_connection_values(
                connection, kind,
                { state, _, name, value in
                    guard let values = state?.assumingMemoryBound(to: [String: String].self), let name else {
                        return .YES
                    }
                    values.pointee[String(cString: name).lowercased()] =
                        value.map { String(cString: $0) } ?? ""
                    return .YES
                }, pointer)
        }
        return values
    }
}
