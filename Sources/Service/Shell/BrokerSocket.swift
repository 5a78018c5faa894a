import Wire
import ZeroMQ

/// A socket to one broker, used for one session. A class only because an array cannot hold a noncopyable value.
final class BrokerSocket {
    let socket: Socket
    let source: EventLoop.SourceID
    private let keyCheck: KeyCheck?

    /// - Parameter readable: called on the loop when messages may be there.
    init(
        to endpoint: String, keys: ConnectionKeys?, in context: Context, on loop: EventLoop,
        readable: @escaping () -> Void
    ) throws(ZeroMQError) {
        var options = SocketOptions()
        options.maximumMessageSize = Limits.messageSize
        options.security = keys?.security(for: endpoint) ?? .none
        socket = try Socket(.dealer, in: context, options: options)
        keyCheck = try KeyCheck(of: socket, security: options.security, in: context)
        try socket.connect(endpoint)
        source = loop.watch(socket, readable)
    }

    /// True once the broker has turned our key away.
    func wasKeyRefused() -> Bool { keyCheck?.wasRefused() == true }

    /// False when the broker is gone or stuck.
    func send(_ message: inout Message) -> Bool {
        switch socket.send(&message) {
        case .sent: true
        case .full, .unroutable: false
        }
    }
}
