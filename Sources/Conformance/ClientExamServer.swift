import Wire
public import ZeroMQ

/// The socket of a client's examination.
public final class ClientExamServer {
    public private(set) var exam = ClientExam()
    /// As bound.
    public let endpoint: String
    private let loop: EventLoop
    private let socket: Socket
    private var identities: [[UInt8]] = []
    private var numbers: [[UInt8]: Int] = [:]
    /// More clients than any examination has are turned away by not being answered.
    private static let maximumClients = 1_000

    /// Binds; messages are read while the loop runs.
    public init(_ endpoint: String, context: Context, loop: EventLoop) throws(ZeroMQError) {
        self.loop = loop
        var options = SocketOptions()
        options.maximumMessageSize = Limits.messageSize
        socket = try Socket(.router, in: context, options: options)
        self.endpoint = try socket.bind(endpoint)
        loop.watch(socket) { [unowned self] in receive() }
        loop.schedule(every: .milliseconds(20)) { [unowned self] in
            exam.tick(loop.now)
            send()
        }
    }

    private func receive() {
        var identity = Message()
        var message = Message()
        while let framing = socket.receive(from: &identity, into: &message) {
            guard framing == .single else {
                exam.receivedSeveralFrames()
                continue
            }
            let name = identity.withBytes { span in span.indices.map { span[$0] } }
            guard let number = number(of: name) else { continue }
            exam.received(message.withBytes { span in span.indices.map { span[$0] } }, from: number, loop.now)
            send()
        }
    }

    private func number(of identity: [UInt8]) -> Int? {
        if let number = numbers[identity] { return number }
        guard identities.count < ClientExamServer.maximumClients else { return nil }
        identities.append(identity)
        numbers[identity] = identities.count - 1
        return identities.count - 1
    }

    private func send() {
        for sending in exam.takeSendings() {
            var message = Message(copying: sending.frame)
            // A client that is gone needs no answer.
            let identity = identities[sending.client]
            _ = socket.send(&message, to: identity.span)
        }
    }
}
