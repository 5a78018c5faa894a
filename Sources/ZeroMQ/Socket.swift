import CZeroMQ

/// One ZeroMQ socket. Belongs to the thread that made it; closed when the value ends.
public struct Socket: ~Copyable {
    /// The kinds that are used: the protocol needs the first two, asynchronous on either side.
    public enum Kind: Sendable {
        /// Talks to many peers, each named by its identity.
        case router
        /// Talks to one ROUTER.
        case dealer
        /// Reads what another socket's monitor tells.
        case pair

        var rawValue: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            }
        }
    }

    /// What became of a send that did not block.
    public enum SendResult: Sendable {
        case sent
        /// The pipe to the peer is full. Our credit keeps far below that mark, so the peer is stuck.
        case full
        /// No such peer: it is gone.
        case unroutable
    }

    let pointer: UnsafeMutableRawPointer
    /// Keeps the context alive for as long as the socket.
    private let context: Context

    /// Makes a socket with every limit set on purpose; see `SocketOptions`.
    public init(
        _ kind: Kind, in context: Context, options: SocketOptions = SocketOptions()
    ) throws(ZeroMQError) {
        guard let pointer = zmq_socket(context.pointer, kind.rawValue) else {
            throw ZeroMQError("zmq_socket")
        }
        do {
            try options.apply(to: pointer, kind: kind)
        } catch {
            zmq_close(pointer)
            throw error
        }
        self.pointer = pointer
        self.context = context
    }

    deinit { zmq_close(pointer) }

    /// Binds, and returns the endpoint as bound: a wildcard port or path is filled in.
    @discardableResult
    public borrowing func bind(_ endpoint: String) throws(ZeroMQError) -> String {
        guard zmq_bind(pointer, endpoint) == 0 else { throw ZeroMQError("zmq_bind(\(endpoint))") }
        var buffer = [CChar](repeating: 0, count: 1024)
        var size = buffer.count
        guard zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &buffer, &size) == 0 else {
            throw ZeroMQError("zmq_getsockopt(ZMQ_LAST_ENDPOINT)")
        }
        return String(decoding: buffer.prefix(max(0, size - 1)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Sets who is asked by whom at the endpoints that are bound or connected from now on. Cannot be taken back.
    public borrowing func secure(_ security: SocketSecurity) throws(ZeroMQError) {
        try security.apply(to: pointer)
    }

    public borrowing func connect(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_connect(pointer, endpoint) == 0 else { throw ZeroMQError("zmq_connect(\(endpoint))") }
    }

    /// Takes the next message, or returns false when there is none now.
    public borrowing func receive(into message: inout Message) -> Bool {
        while true {
            if zmq_msg_recv(&message.raw, pointer, ZMQ_DONTWAIT) >= 0 { return true }
            let code = zmq_errno()
            if code == EAGAIN { return false }
            precondition(code == EINTR, "zmq_msg_recv: \(ZeroMQError("zmq_msg_recv", code: code))")
        }
    }

    /// Takes the next message of a peer from a ROUTER. A message of ours is one frame after the identity.
    ///
    /// - Returns: the shape of what came, or nil when there is nothing now.
    public borrowing func receive(from identity: inout Message, into message: inout Message) -> Framing? {
        guard receive(into: &identity) else { return nil }
        guard identity.hasMore, receive(into: &message) else { return .malformed }
        guard message.hasMore else { return .single }
        var extra = Message()
        repeat {
            guard receive(into: &extra) else { break }
        } while extra.hasMore
        return .malformed
    }

    /// How many frames followed an identity.
    public enum Framing: Sendable {
        /// Exactly one, as the protocol wants.
        case single
        /// None or several. All of them were read and dropped.
        case malformed
    }

    /// Sends a frame without blocking. When it was not sent the message still owns its bytes.
    public borrowing func send(_ message: inout Message) -> SendResult {
        send(&message, flags: ZMQ_DONTWAIT)
    }

    /// Sends a frame to one peer of a ROUTER without blocking.
    public borrowing func send(_ message: inout Message, to identity: Span<UInt8>) -> SendResult {
        let result = identity.withUnsafeBytes { sendIdentity($0) }
        guard result == .sent else { return result }
        // libzmq chose the pipe when it took the identity and refuses only a first part, so this part goes
        // where that one went.
        return send(&message, flags: ZMQ_DONTWAIT)
    }

    borrowing func sendIdentity(_ bytes: UnsafeRawBufferPointer) -> SendResult {
        while true {
            if zmq_send(pointer, bytes.baseAddress, bytes.count, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 {
                return .sent
            }
            if let result = failure(of: "zmq_send") { return result }
        }
    }

    borrowing func send(_ message: inout Message, flags: Int32) -> SendResult {
        withUnsafeMutablePointer(to: &message.raw) { send($0, flags: flags) }
    }

    borrowing func send(_ message: UnsafeMutablePointer<zmq_msg_t>, flags: Int32) -> SendResult {
        while true {
            if zmq_msg_send(message, pointer, flags) >= 0 { return .sent }
            if let result = failure(of: "zmq_msg_send") { return result }
        }
    }

    /// Reads errno after a failed send; nil means that a signal interrupted it and it is to be tried again.
    private borrowing func failure(of function: String) -> SendResult? {
        switch zmq_errno() {
        case EAGAIN: .full
        case EHOSTUNREACH: .unroutable
        case EINTR: nil
        case let code: preconditionFailure("\(ZeroMQError(function, code: code))")
        }
    }
}

@available(*, unavailable)
extension Socket: Sendable {}
