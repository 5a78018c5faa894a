import CRabbitMQ
import Glibc
public import Wire

/// One connection with one channel to a RabbitMQ server, for publishing with confirms. Blocks, with a limit to every
/// wait. After an error it is of no more use: make another. Belongs to one thread.
public final class RabbitConnection {
    public struct Configuration: Sendable {
        public var host: String
        public var port: UInt16
        public var user: String
        public var password: String
        public var virtualHost: String
        /// The server gives a client up that is silent for twice this.
        public var heartbeat = TimeAmount.seconds(30)
        /// How long one answer may take.
        public var timeout = TimeAmount.seconds(10)

        public init(host: String, port: UInt16, user: String, password: String, virtualHost: String) {
            self.host = host
            self.port = port
            self.user = user
            self.password = password
            self.virtualHost = virtualHost
        }

        /// For messages.
        public var address: String { "\(host):\(port)" }
    }

    /// Bytes of a frame: what the server offers unless told otherwise.
    private static let frameLimit: Int32 = 131_072
    static let channel: amqp_channel_t = 1

    let configuration: Configuration
    let state: amqp_connection_state_t
    /// The tag of the last message on the channel: the server counts from 1, as we do.
    var lastTag: UInt64 = 0

    /// Connects, logs in and asks for confirms.
    public init(_ configuration: Configuration) throws(RabbitError) {
        self.configuration = configuration
        guard let state = amqp_new_connection() else {
            throw RabbitError("there is no memory for a connection to RabbitMQ", isUnreachable: false)
        }
        self.state = state
        try open()
    }

    deinit {
        // What was confirmed is safe, and nothing else is told. The library closes the socket.
        amqp_destroy_connection(state)
    }

    private func open() throws(RabbitError) {
        let (address, seconds) = (configuration.address, configuration.timeout)
        // A write to a socket that the server has closed must be an error, not the end.
        signal(SIGPIPE, SIG_IGN)
        guard let socket = amqp_tcp_socket_new(state) else {
            throw RabbitError("there is no memory for a connection to RabbitMQ", isUnreachable: false)
        }
        var limit = seconds.timeval
        amqp_set_handshake_timeout(state, &limit)
        amqp_set_rpc_timeout(state, &limit)
        let status = amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &limit)
        guard status == 0 else { throw RabbitError(status: status, "connecting", address) }
        noticeSilence(amqp_get_sockfd(state))
        let login = stampede_amqp_login(
            state, configuration.virtualHost, Self.frameLimit,
            Int32(configuration.heartbeat.milliseconds / 1_000),
            configuration.user, configuration.password)
        if let error = RabbitError(login, "logging in as \(configuration.user)", address) { throw error }
        amqp_channel_open(state, Self.channel)
        try check("opening a channel")
        amqp_confirm_select(state, Self.channel)
        try check("asking for confirms")
    }

    /// The library waits for ever to write. A server that takes nothing for this long, because it is short of memory or
    /// gone, ends the connection (tcp(7), TCP_USER_TIMEOUT).
    private func noticeSilence(_ descriptor: Int32) {
        var limit: Int32 = 30_000
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    func check(_ doing: String) throws(RabbitError) {
        if let error = RabbitError(amqp_get_rpc_reply(state), doing, configuration.address) { throw error }
    }

    // MARK: Declaring

    /// Makes a durable topic exchange and a durable queue that gets all of it, unless they are there.
    ///
    /// - Parameter queueType: `quorum` or `classic`.
    /// - Throws: when one is there with other properties.
    public func declare(exchange: String, queue: String, queueType: String) throws(RabbitError) {
        let error = withBytes(
            [exchange, "topic", queue, "x-queue-type", queueType, "#"].map { Array($0.utf8) }
        ) {
            texts -> RabbitError? in
            let address = configuration.address
            amqp_exchange_declare(
                state, Self.channel, texts[0], texts[1], 0, 1, 0, 0,
                amqp_table_t(num_entries: 0, entries: nil))
            if let error = RabbitError(
                amqp_get_rpc_reply(state), "declaring the exchange \(exchange)", address)
            {
                return error
            }
            var entry = amqp_table_entry_t()
            entry.key = texts[3]
            entry.value.kind = UInt8(ascii: "S")
            entry.value.value.bytes = texts[4]
            withUnsafeMutablePointer(to: &entry) { entry in
                _ = amqp_queue_declare(
                    state, Self.channel, texts[2], 0, 1, 0, 0, amqp_table_t(num_entries: 1, entries: entry))
            }
            if let error = RabbitError(amqp_get_rpc_reply(state), "declaring the queue \(queue)", address) {
                return error
            }
            amqp_queue_bind(
                state, Self.channel, texts[2], texts[0], texts[5], amqp_table_t(num_entries: 0, entries: nil))
            return RabbitError(amqp_get_rpc_reply(state), "binding the queue \(queue)", address)
        }
        if let error { throw error }
    }
}

@available(*, unavailable)
extension RabbitConnection: Sendable {}

extension TimeAmount {
    var timeval: timeval {
        Glibc.timeval(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_usec: Int(nanoseconds % 1_000_000_000 / 1_000))
    }
}

/// Lends texts as the library takes them; valid until `body` returns.
func withBytes<R>(_ texts: [[UInt8]], _ body: ([amqp_bytes_t]) -> R) -> R {
    let all = texts.reduce(into: [UInt8]()) { $0 += $1 }
    return all.withUnsafeBytes { buffer in
        var offset = 0
        let lent = texts.map { text in
            defer { offset += text.count }
            return amqp_bytes_t(
                len: text.count,
                bytes: UnsafeMutableRawPointer(mutating: buffer.baseAddress?.advanced(by: offset)))
        }
        return body(lent)
    }
}
