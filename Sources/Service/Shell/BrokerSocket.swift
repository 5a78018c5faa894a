import Wire
import ZeroMQ

/// A socket to one broker, used for one session. A class only because an array cannot hold a noncopyable value.
final class BrokerSocket {
    let socket: Socket
    let source: EventLoop.SourceID

    /// - Parameter readable: called on the loop when messages may be there.
    init(
        to endpoint: String, in context: Context, on loop: EventLoop, readable: @escaping () -> Void
    ) throws(ZeroMQError) {
        var options = SocketOptions()
        options.maximumMessageSize = Limits.messageSize
        socket = try Socket(.dealer, in: context, options: options)
        try socket.connect(endpoint)
        source = loop.watch(socket, readable)
    }

    /// False when the broker is gone or stuck.
    func send(_ message: inout Message) -> Bool {
        switch socket.send(&message) {
        case .sent: true
        case .full, .unroutable: false
        }
    }
}
