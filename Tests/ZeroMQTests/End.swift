import Testing
import Wire

@testable import ZeroMQ

/// One end of a connection, driven by hand.
final class End {
    struct Received {
        let identity: [UInt8]
        let bytes: [UInt8]
        let framing: Socket.Framing
        var userID: String?
    }

    private let socket: Socket
    private let loop = EventLoop()

    init(_ kind: Socket.Kind, _ context: Context, _ options: SocketOptions = SocketOptions()) throws {
        socket = try Socket(kind, in: context, options: options)
    }

    /// A ROUTER on a free port.
    static func router(_ context: Context, _ options: SocketOptions = SocketOptions()) throws -> (End, String)
    {
        let end = try End(.router, context, options)
        return (end, try end.bind("tcp://127.0.0.1:*"))
    }

    /// A DEALER that is connected.
    static func dealer(
        _ endpoint: String, _ context: Context, _ options: SocketOptions = SocketOptions()
    ) throws -> End {
        let end = try End(.dealer, context, options)
        try end.connect(endpoint)
        return end
    }

    func bind(_ endpoint: String) throws(ZeroMQError) -> String { try socket.bind(endpoint) }
    func connect(_ endpoint: String) throws(ZeroMQError) { try socket.connect(endpoint) }

    /// Asks again and again, for seconds at most.
    func eventually(within limit: TimeAmount = .seconds(10), _ condition: () throws -> Bool) rethrows -> Bool
    {
        let end = MonotonicTime.now() + limit
        while MonotonicTime.now() < end {
            if try condition() { return true }
            loop.run(atMost: .milliseconds(1)) { false }
        }
        return false
    }

    /// Sends one frame, and says what became of it and of its bytes.
    func send(_ bytes: [UInt8], to identity: [UInt8]? = nil) -> Socket.SendResult {
        var message = Message(copying: bytes)
        let result = identity.map { socket.send(&message, to: $0.span) } ?? socket.send(&message)
        let left = message.withBytes { span in span.indices.map { span[$0] } }
        #expect(left == (result == .sent ? [] : bytes), "who cannot send keeps the bytes")
        return result
    }

    /// Sends one frame once the connection stands.
    func sendWhenReady(_ bytes: [UInt8]) -> Bool { eventually { send(bytes) == .sent } }

    /// The next message at a DEALER.
    func receive() -> [UInt8]? {
        var message = Message()
        guard eventually({ socket.receive(into: &message) }) else { return nil }
        return message.withBytes { span in span.indices.map { span[$0] } }
    }

    /// The next message at a ROUTER.
    func receiveRouted(within limit: TimeAmount = .seconds(10)) -> Received? {
        var identity = Message()
        var message = Message()
        var framing: Socket.Framing?
        let hasCome = eventually(within: limit) {
            framing = socket.receive(from: &identity, into: &message)
            return framing != nil
        }
        guard hasCome, let framing else { return nil }
        return Received(
            identity: identity.withBytes { span in span.indices.map { span[$0] } },
            bytes: message.withBytes { span in span.indices.map { span[$0] } }, framing: framing,
            userID: message.withUserID { span in
                guard let span else { return nil }
                return String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
            })
    }
}
