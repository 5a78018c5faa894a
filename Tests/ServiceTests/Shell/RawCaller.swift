import Methods
import Synchronization
import Wire
import ZeroMQ

/// A client made of a bare DEALER socket, on a thread of its own: sends what a test says, also against the
/// rules, and keeps what comes.
final class RawCaller: Sendable {
    struct Received: Sendable {
        let header: Header
        let bytes: [UInt8]

        var body: [UInt8] { Array(bytes[(Header.size + Int(header.metadataLength))...]) }
        var metadata: Metadata { (try? Metadata(decoding: bytes.span, header: header)) ?? Metadata() }

        func body<Body: MessageBody>(as: Body.Type) throws -> Body {
            try Frame.decodeBody(bytes.span, header: header, as: Body.self)
        }
    }

    /// What the test and the socket's thread share.
    private final class Shared: Sendable {
        let bell = Doorbell()
        let state = Mutex(State())
        let received: AsyncStream<Received>.Continuation

        struct State {
            var outgoing: [[UInt8]] = []
            var isClosed = false
        }

        init(_ received: AsyncStream<Received>.Continuation) { self.received = received }
    }

    private let shared: Shared
    private let received: AsyncStream<Received>

    init(_ endpoint: String) {
        let (stream, continuation) = AsyncStream.makeStream(of: Received.self)
        received = stream
        let shared = Shared(continuation)
        self.shared = shared
        LoopThread.start { RawCaller.run(endpoint, shared) }
    }

    deinit {
        shared.state.withLock { $0.isClosed = true }
        shared.bell.ring()
    }

    private static func run(_ endpoint: String, _ shared: Shared) {
        let loop = EventLoop()
        guard let socket = try? Socket(.dealer, in: Context()), (try? socket.connect(endpoint)) != nil
        else { preconditionFailure("cannot connect to \(endpoint)") }
        var frame = Message()
        var waiting: [[UInt8]] = []
        var isClosed = false
        let bell = loop.watch(descriptor: shared.bell.descriptor, for: .readable) { _ in
            shared.bell.silence()
        }
        let source = loop.watch(socket) {}
        while !isClosed {
            while socket.receive(into: &frame) {
                let bytes = frame.withBytes { span in span.indices.map { span[$0] } }
                guard let header = try? Header(decoding: bytes.span) else { continue }
                if header.kind == .ping {
                    var pong = Header(.pong)
                    pong.callID = header.callID
                    waiting.append(Frame.encode(pong))
                } else {
                    shared.received.yield(Received(header: header, bytes: bytes))
                }
            }
            shared.state.withLock { state in
                waiting += state.outgoing
                state.outgoing = []
                isClosed = state.isClosed
            }
            while let bytes = waiting.first {
                var message = Message(copying: bytes)
                // Until the connection stands nothing is taken.
                guard socket.send(&message) == .sent else { break }
                waiting.removeFirst()
            }
            var isFirst = true
            loop.run(atMost: waiting.isEmpty ? .seconds(1) : .milliseconds(1)) {
                defer { isFirst = false }
                return !isFirst
            }
        }
        loop.remove(bell)
        loop.remove(source)
        shared.received.finish()
    }

    // MARK: Sending

    func send(_ frame: [UInt8]) {
        shared.state.withLock { $0.outgoing.append(frame) }
        shared.bell.ring()
    }

    func call(
        _ method: String, id: UInt64, flags: Header.Flags = .end, milliseconds: UInt32 = 10_000,
        metadata: Metadata = Metadata(), key: UInt128 = 0, body: [UInt8] = [0x80]
    ) throws {
        var header = Header(.call)
        header.method = MethodID(method)
        header.callID = id
        header.flags = flags
        header.milliseconds = milliseconds
        header.requestKey = key
        send(try Frame.encode(header, metadata: metadata, body: body))
    }

    func data(_ id: UInt64, _ sequence: UInt32, _ body: [UInt8] = [], flags: Header.Flags = []) {
        var header = Header(.data)
        header.callID = id
        header.sequence = sequence
        header.flags = flags
        send(Frame.encode(header, body: body))
    }

    func credit(_ id: UInt64, _ total: UInt32) {
        var header = Header(.credit)
        header.callID = id
        header.sequence = total
        send(Frame.encode(header))
    }

    func cancel(_ id: UInt64) {
        var header = Header(.cancel)
        header.callID = id
        send(Frame.encode(header))
    }

    // MARK: Receiving

    /// The next message of one of these kinds; others before it are dropped.
    func next(_ kinds: Header.Kind...) async throws -> Received {
        for await message in received where kinds.contains(message.header.kind) { return message }
        throw CancellationError()
    }

    /// The next `count` messages of a kind.
    func next(_ kind: Header.Kind, count: Int) async throws -> [Received] {
        var messages: [Received] = []
        for _ in 0..<count { messages.append(try await next(kind)) }
        return messages
    }
}
