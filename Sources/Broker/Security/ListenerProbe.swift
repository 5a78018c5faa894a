import Wire
import ZeroMQ

/// A stranger that tries a door: connects to a CURVE listener with a key that nobody knows.
struct ListenerProbe {
    enum Outcome: Equatable {
        /// Turned away because of the key.
        case refused
        /// The handshake was accepted, or even a PING answered.
        case letIn
        /// It ended in another way, or not in time: nothing is shown.
        case unclear
    }

    /// How long a listener may take. The machine may be busy; nobody is served meanwhile.
    static let limit = TimeAmount.seconds(10)

    /// Drives the loop until it is known. The handler that decides runs on the same loop.
    static func run(
        _ endpoint: String, server: CurveKey, context: Context, loop: EventLoop,
        within limit: TimeAmount = ListenerProbe.limit
    ) throws(ZeroMQError) -> Outcome {
        var options = SocketOptions()
        options.linger = .zero
        options.security = .curveClient(server: server, own: try CurveKeyPair())
        let socket = try Socket(.dealer, in: context, options: options)
        let monitor = try HandshakeMonitor(of: socket, in: context)
        try socket.connect(endpoint)
        var isAnswered = false
        var event: HandshakeMonitor.Event?
        let answers = loop.watch(socket) { isAnswered = true }
        let events = loop.watch(monitor.socket) {}
        defer {
            loop.remove(answers)
            loop.remove(events)
        }
        var ping = Message(header: Header(.ping), body: MessagePackWriter())
        var isSent = false
        loop.run(atMost: limit) {
            if event == nil { event = monitor.next() }
            // Possible once the handshake is over.
            if !isSent { isSent = socket.send(&ping) == .sent }
            return isAnswered || isSent || event != nil
        }
        if isAnswered || isSent { return .letIn }
        switch event {
        case .refused: return .refused
        case .succeeded: return .letIn
        case .failed, nil: return .unclear
        }
    }
}
