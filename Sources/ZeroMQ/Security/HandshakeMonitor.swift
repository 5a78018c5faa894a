import CZeroMQ
import Synchronization

/// Tells how the handshake of a socket's connection went (zmq_socket_monitor(3)). Must be made before the
/// socket connects, and belongs to its thread.
public struct HandshakeMonitor: ~Copyable {
    public enum Event: Sendable {
        /// Both sides have accepted each other.
        case succeeded
        /// The other side knows us not: ZAP answered 400.
        case refused
        /// It ended some other way: another protocol, another key of the server, a closed connection.
        case failed
    }

    /// Readable when there is an event.
    public let socket: Socket

    private static let number = Atomic<Int>(0)

    public init(of monitored: borrowing Socket, in context: Context) throws(ZeroMQError) {
        let number = Self.number.wrappingAdd(1, ordering: .relaxed).newValue
        let endpoint = "inproc://handshakes-\(number)"
        let events =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        guard zmq_socket_monitor(monitored.pointer, endpoint, events) == 0 else {
            throw ZeroMQError("zmq_socket_monitor")
        }
        let receiver = try Socket(.pair, in: context)
        try receiver.connect(endpoint)
        socket = receiver
    }

    /// The next event, or nil when there is none now.
    public borrowing func next() -> Event? {
        // "The first frame contains an event number (16 bits), and an event value (32 bits) … the second frame
        // contains a string that specifies the affected endpoint", in the host's byte order.
        while let parts = socket.receiveParts(atMost: 2) {
            guard let event = parts.first, event.count >= 2 else { continue }
            switch Int32(event[0]) | Int32(event[1]) << 8 {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .succeeded
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .refused
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .failed
            default: continue
            }
        }
        return nil
    }
}
