import Wire
import ZeroMQ

/// A client's session made of bare frames: it sends whatever a check wants sent, and keeps all that comes.
final class Probe {
    struct Received {
        let header: Header
        let frame: [UInt8]

        var summary: String {
            header.kind == .result
                ? "a RESULT of \(header.status), \(header.certainty), \(header.reason)" : "\(header.kind)"
        }

        func body() throws(Mismatch) -> MessagePackValue {
            do throws(WireError) {
                return try Frame.decodeBody(frame.span, header: header, as: MessagePackValue.self)
            } catch {
                throw Mismatch("a body that cannot be read: \(error)")
            }
        }
    }

    private let loop: EventLoop
    private let socket: Socket
    private var source: EventLoop.SourceID?
    private var received: [Received] = []
    private var lastCallID: UInt64 = 0x1000
    /// How long an answer may take.
    static let patience = TimeAmount.seconds(5)

    init(_ endpoint: String, _ security: SocketSecurity, _ context: Context) throws(Mismatch) {
        loop = EventLoop()
        var options = SocketOptions()
        options.security = security
        options.linger = .zero
        options.maximumMessageSize = 1 << 20
        do throws(ZeroMQError) {
            socket = try Socket(.dealer, in: context, options: options)
            try socket.connect(endpoint)
        } catch {
            throw Mismatch("no connection: \(error)")
        }
        source = loop.watch(socket) { [unowned self] in read() }
        // Conditions that no message announces, such as a connection, are looked at in this rhythm.
        loop.schedule(every: .milliseconds(2)) {}
        let isConnected = loop.run(atMost: Probe.patience) { socket.isWritable }
        try expect(isConnected, "no connection within \(Probe.patience.milliseconds) ms")
    }

    deinit { if let source { loop.remove(source) } }

    private func read() {
        var message = Message()
        while socket.receive(into: &message) {
            let frame = message.withBytes { span in span.indices.map { span[$0] } }
            guard let header = try? Header(decoding: frame.span) else { continue }
            received.append(Received(header: header, frame: frame))
            if header.kind == .ping {
                var pong = Header(.pong)
                pong.callID = header.callID
                send(Frame.encode(pong))
            }
        }
    }

    func nextCallID() -> UInt64 {
        lastCallID += 1
        return lastCallID
    }

    func send(_ frame: [UInt8]) {
        var message = Message(copying: frame)
        _ = loop.run(atMost: Probe.patience) { socket.send(&message) == .sent }
    }

    /// Sends two frames as one message, which the protocol does not have.
    func send(first: [UInt8], second: [UInt8]) {
        var message = Message(copying: second)
        _ = loop.run(atMost: Probe.patience) { socket.send(&message, to: first.span) == .sent }
    }

    /// The next message of a kind for a call, taken out of what came; nil when none comes in time.
    func next(
        _ kind: Header.Kind, _ callID: UInt64, within limit: TimeAmount = Probe.patience
    ) -> Received? {
        var found: Received?
        _ = loop.run(atMost: limit) {
            guard
                let index = received.firstIndex(where: {
                    $0.header.kind == kind && $0.header.callID == callID
                })
            else { return false }
            found = received.remove(at: index)
            return true
        }
        return found
    }

    /// Whether a PING is answered: the session goes on, and all that was sent before has been read.
    func isAlive() -> Bool {
        var ping = Header(.ping)
        ping.callID = nextCallID()
        send(Frame.encode(ping))
        return next(.pong, ping.callID) != nil
    }

    /// Everything that has come and was not taken.
    func leftovers() -> [Received] { received.filter { $0.header.kind != .ping } }

    // MARK: Calls

    func header(_ method: String, flags: Header.Flags = .end) -> Header {
        var header = Header(.call)
        header.flags = flags
        header.callID = nextCallID()
        header.milliseconds = 5_000
        header.method = MethodID(method)
        return header
    }

    /// Sends a call and returns its answer.
    func call(_ header: Header, _ body: MessagePackValue = [:]) throws(Mismatch) -> Received {
        send(Frame.encode(header, body: body))
        return try answer(to: header)
    }

    func call(_ method: String, _ body: MessagePackValue = [:]) throws(Mismatch) -> Received {
        try call(header(method), body)
    }

    func answer(to header: Header) throws(Mismatch) -> Received {
        guard let answer = next(.result, header.callID) else {
            throw Mismatch("no RESULT within \(Probe.patience.milliseconds) ms")
        }
        try expect(answer.header.flags.contains(.end), "a RESULT without the flag end")
        return answer
    }
}

extension Probe.Received {
    func isFailure(
        _ status: Status, _ certainty: Certainty? = nil, _ reason: Reason? = nil
    ) throws(Mismatch) {
        try expect(
            header.status == status && (certainty == nil || header.certainty == certainty)
                && (reason == nil || header.reason == reason), summary)
        guard case .string? = try body()["message"] else { throw Mismatch("a failure without a `message`") }
    }

    func isOK() throws(Mismatch) -> MessagePackValue {
        try expect(header.status == .ok && header.certainty == .executed, summary)
        return try body()
    }
}
