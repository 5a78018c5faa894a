import Methods
import Sales
import Wire
import ZeroMQ

/// The other end of a broker's socket: a client, a worker, or somebody hostile. Keeps all that it receives.
final class Peer {
    struct Received {
        let header: Header
        let bytes: [UInt8]

        func body<Body: MessageBody>(as: Body.Type) throws -> Body {
            try Frame.decodeBody(bytes.span, header: header, as: Body.self)
        }
    }

    private let loop: EventLoop
    private var socket: Socket?
    private var source: EventLoop.SourceID?
    private(set) var received: [Received] = []
    /// Called for each message before it is kept.
    var onMessage: (Received) -> Void = { _ in }

    init(
        _ endpoint: String, _ context: Context, _ loop: EventLoop, _ security: SocketSecurity = .none
    ) throws {
        self.loop = loop
        var options = SocketOptions()
        options.security = security
        let socket = try Socket(.dealer, in: context, options: options)
        try socket.connect(endpoint)
        source = loop.watch(socket) { [unowned self] in receive() }
        self.socket = consume socket
    }

    private func receive() {
        var message = Message()
        while socket!.receive(into: &message) {
            let bytes = message.withBytes { span in span.indices.map { span[$0] } }
            guard let header = try? Header(decoding: bytes.span) else { continue }
            let item = Received(header: header, bytes: bytes)
            received.append(item)
            onMessage(item)
        }
    }

    func close() {
        if let source { loop.remove(source) }
        socket = nil
    }

    /// Whether the connection stands, or does within the time.
    func isConnected(within limit: TimeAmount) -> Bool {
        loop.run(atMost: limit) { socket?.isWritable == true }
    }

    // MARK: Sending

    /// Sends a frame once the connection stands; returns false if it does not within seconds.
    @discardableResult
    func send(_ bytes: [UInt8], before first: [UInt8]? = nil) -> Bool {
        var message = Message(copying: bytes)
        return loop.run(atMost: .seconds(10)) {
            // To a DEALER an identity is a frame like any other, which makes the message one of two frames.
            let result = first.map { socket!.send(&message, to: $0.span) } ?? socket!.send(&message)
            return result == .sent
        }
    }

    @discardableResult
    func send(_ header: Header, _ body: some MessageBody = Empty()) -> Bool {
        send(Frame.encode(header, body: body))
    }

    // MARK: Waiting

    func first(_ kind: Header.Kind, callID: UInt64? = nil) -> Received? {
        received.first { $0.header.kind == kind && (callID == nil || $0.header.callID == callID) }
    }

    func all(_ kind: Header.Kind) -> [Received] { received.filter { $0.header.kind == kind } }

    func forget() { received = [] }

    /// Runs the loop until such a message has come; nil if none does within seconds.
    func wait(for kind: Header.Kind, callID: UInt64? = nil) -> Received? {
        loop.run(atMost: .seconds(10)) { first(kind, callID: callID) != nil }
        return first(kind, callID: callID)
    }
}

// MARK: As a client

extension Peer {
    static let method = MethodID("test.keyed")

    static func call(
        _ callID: UInt64, routing: RoutingKey = RoutingKey(sale: 1, lane: 0), milliseconds: UInt32 = 8_000
    ) -> Header {
        var header = Header(.call)
        header.flags = [.end, .keyed]
        header.callID = callID
        header.method = Peer.method
        header.routing = routing
        header.requestKey = UInt128(callID) << 64 | 5
        header.milliseconds = milliseconds
        return header
    }

    /// Asks a broker for its status.
    func status(_ callID: UInt64) throws -> BrokerStatus? {
        var header = Header(.call)
        header.flags = .end
        header.callID = callID
        header.method = SystemMethods.brokerStatus.id
        send(header)
        return try wait(for: .result, callID: callID)?.body(as: BrokerStatus.self)
    }
}

// MARK: As a worker

extension Peer {
    /// Begins a session and claims partitions under a fence. Returns when the broker has said something to it.
    func join(
        as name: String, owning partitions: some Sequence<Int>, of count: Int = 4, fence: Int64 = 1,
        credit: [Int32] = [100, 10, 10]
    ) {
        send(
            Header(.ready),
            Ready(
                name: name, incarnation: "a", partitions: Int32(count), hash: RoutingKey.hashName,
                methods: [Peer.method], credit: credit, leaseTTL: 3_000))
        for partition in partitions {
            send(
                Header(.own),
                Own(
                    partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: fence),
                    incarnation: "a", gates: []))
        }
        loop.run(atMost: .seconds(10)) { first(.beat) != nil || first(.goAway) != nil }
    }

    func answer(_ call: Received, _ status: Status = .ok, _ certainty: Certainty = .executed) {
        var header = Header(.result)
        header.flags = .end
        header.callID = call.header.callID
        header.status = status
        header.certainty = certainty
        send(header)
    }

    /// Answers each of the broker's beats, with the gates that are closed then.
    func keepBeating(gates: @escaping () -> [ClosedGate] = { [] }) {
        onMessage = { [unowned self] message in
            guard message.header.kind == .beat else { return }
            var header = Header(.beat)
            header.callID = message.header.callID
            send(header, WorkerBeat(isFit: true, leaseLeft: 1_000, gates: gates()))
        }
    }
}
