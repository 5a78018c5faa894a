/// Watches, for who connects with a key, whether the other side knows it. A socket without keys costs nothing.
public struct KeyCheck: ~Copyable {
    private let monitor: HandshakeMonitor

    /// Nil for a socket whose other side asks for no key.
    public init?(
        of socket: borrowing Socket, security: SocketSecurity, in context: Context
    ) throws(ZeroMQError) {
        switch security {
        case .none, .curveServer: return nil
        case .curveClient: monitor = try HandshakeMonitor(of: socket, in: context)
        }
    }

    /// True once the other side has turned the key away. It tells each refusal once.
    public borrowing func wasRefused() -> Bool {
        while let event = monitor.next() {
            switch event {
            case .refused: return true
            case .succeeded, .failed: continue
            }
        }
        return false
    }
}
