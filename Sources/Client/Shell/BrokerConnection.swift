import Wire
import ZeroMQ

/// One connection to one broker: a DEALER socket that is never used for a second one.
///
/// A class only because an array cannot hold a noncopyable value.
final class BrokerConnection {
    let socket: Socket
    let source: EventLoop.SourceID
    private let keyCheck: KeyCheck?

    /// - Parameter readable: called on the loop when messages may be there.
    init(
        to endpoint: Endpoint, keys: ConnectionKeys?, in context: Context, on loop: EventLoop,
        readable: @escaping () -> Void
    ) throws(ZeroMQError) {
        var options = SocketOptions()
        // A dropped session's messages must not go out after we have judged them.
        options.linger = .zero
        options.security = keys?.security(for: endpoint.description) ?? .none
        socket = try Socket(.dealer, in: context, options: options)
        keyCheck = try KeyCheck(of: socket, security: options.security, in: context)
        try socket.connect(endpoint.description)
        source = loop.watch(socket, readable)
    }

    /// True once the broker has turned our key away.
    func wasKeyRefused() -> Bool { keyCheck?.wasRefused() == true }

    /// Sends one frame, header and body written straight into it. False when the connection is gone.
    func send(_ header: Header, body: [UInt8] = []) -> Bool {
        var message = Message(size: Header.size + body.count)
        message.withMutableSpan { header.encode(into: &$0) }
        if !body.isEmpty {
            unsafe message.withMutableBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[Header.size...]).copyBytes(from: body)
            }
        }
        return send(&message)
    }

    /// Sends an attempt of a call. False when the connection is gone.
    func send(_ frame: [UInt8], id: CallID, milliseconds: UInt32) -> Bool {
        var message = Message(size: frame.count)
        unsafe message.withMutableBytes { bytes in unsafe bytes.copyBytes(from: frame) }
        message.withMutableSpan { span in
            Header.readdress(
                &span, callID: id.rawValue, milliseconds: milliseconds, isRetry: id.attempt > 1)
        }
        return send(&message)
    }

    private func send(_ message: inout Message) -> Bool {
        switch socket.send(&message) {
        case .sent: true
        case .full, .unroutable: false
        }
    }
}
