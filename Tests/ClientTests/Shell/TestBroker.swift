import Glibc
import Methods
import Sales
import Synchronization
import Wire
import ZeroMQ

@testable import Client

/// A small real broker: a ROUTER on a thread of its own that answers as the test says.
final class TestBroker: Sendable {
    let endpoint: String
    private let shared: Shared

    /// What the test and the broker's thread share.
    private final class Shared: Sendable {
        let state = Mutex(State())
        struct State {
            var isStopped = false
            var isEnded = false
            var answersPings = true
            var headers: [Header] = []
            var outgoing: [[UInt8]] = []
        }
    }

    /// Frames that go back for one call.
    typealias Answer = @Sendable (Header, [UInt8]) -> [[UInt8]]

    /// - Parameters:
    ///   - endpoint: of a broker that was stopped, to come back in its place.
    ///   - others: answers what is not a CALL: the items, credit and cancellations of streams.
    init(
        at endpoint: String? = nil, answersPings: Bool = true, _ answer: @escaping Answer = TestBroker.yes,
        others: @escaping Answer = TestBroker.silence
    ) throws {
        let endpoint = endpoint ?? TestBroker.newEndpoint()
        self.endpoint = endpoint
        let shared = Shared()
        self.shared = shared
        shared.state.withLock { $0.answersPings = answersPings }
        let bound = Mutex<Result<Void, ZeroMQError>?>(nil)
        let box = Box(bound)
        LoopThread.start { TestBroker.run(endpoint, shared, box, answer, others) }
        while true {
            if let result = box.value.withLock({ $0 }) {
                try result.get()
                return
            }
            usleep(200)
        }
    }

    private final class Box: Sendable {
        let value: Mutex<Result<Void, ZeroMQError>?>
        init(_ value: consuming sending Mutex<Result<Void, ZeroMQError>?>) { self.value = value }
    }

    private static let counter = Atomic<Int>(0)

    static func newEndpoint() -> String {
        "ipc:///tmp/stampede-client-\(getpid())-\(counter.wrappingAdd(1, ordering: .relaxed).newValue).sock"
    }

    /// Every call that came, in order.
    var calls: [Header] { shared.state.withLock { $0.headers.filter { $0.kind == .call } } }
    var headers: [Header] { shared.state.withLock { $0.headers } }
    var cancels: [Header] { shared.state.withLock { $0.headers.filter { $0.kind == .cancel } } }

    /// Stops or starts answering pings: with `false`, a broker that hangs.
    func answerPings(_ answers: Bool) { shared.state.withLock { $0.answersPings = answers } }

    /// Sends a frame to everybody who has called or pinged.
    func tellEverybody(_ frame: [UInt8]) { shared.state.withLock { $0.outgoing.append(frame) } }

    /// Ends the broker as a kill would: connections close, answers are lost. Returns when it has.
    func stop() {
        shared.state.withLock { $0.isStopped = true }
        while !shared.state.withLock({ $0.isEnded }) { usleep(200) }
    }

    deinit {
        stop()
        unlink(String(endpoint.dropFirst("ipc://".count)))
    }

    private static func run(
        _ endpoint: String, _ shared: Shared, _ bound: Box, _ answer: Answer, _ others: Answer
    ) {
        let loop = EventLoop()
        var options = SocketOptions()
        options.linger = .zero
        do throws(ZeroMQError) {
            let socket = try Socket(.router, in: Context(), options: options)
            try socket.bind(endpoint)
            bound.value.withLock { $0 = .success(()) }
            serve(socket, loop, shared, answer, others)
        } catch {
            bound.value.withLock { $0 = .failure(error) }
        }
        shared.state.withLock { $0.isEnded = true }
    }

    private static func serve(
        _ socket: borrowing Socket, _ loop: EventLoop, _ shared: Shared, _ answer: Answer,
        _ others: Answer
    ) {
        var identity = Message()
        var message = Message()
        var peers: Set<[UInt8]> = []
        loop.watch(socket) {}
        while !shared.state.withLock({ $0.isStopped }) {
            loop.run(atMost: .milliseconds(2)) { false }
            while let framing = socket.receive(from: &identity, into: &message) {
                guard framing == .single else { continue }
                let frame = message.withBytes { $0.withUnsafeBytes { Array($0) } }
                let peer = identity.withBytes { $0.withUnsafeBytes { Array($0) } }
                peers.insert(peer)
                guard let header = try? Header(decoding: frame.span) else { continue }
                let answersPings = shared.state.withLock {
                    $0.headers.append(header)
                    return $0.answersPings
                }
                var answers: [[UInt8]] = []
                switch header.kind {
                case .ping where answersPings:
                    var pong = Header(.pong)
                    pong.callID = header.callID
                    answers = [Frame.encode(pong)]
                case .call: answers = answer(header, Array(frame[Header.size...]))
                case .ping, .pong: break
                default: answers = others(header, Array(frame[Header.size...]))
                }
                for answer in answers { send(answer, to: peer, on: socket) }
            }
            let outgoing = shared.state.withLock { state in
                defer { state.outgoing = [] }
                return state.outgoing
            }
            for frame in outgoing { for peer in peers { send(frame, to: peer, on: socket) } }
        }
    }

    private static func send(_ frame: [UInt8], to peer: [UInt8], on socket: borrowing Socket) {
        var message = Message(copying: frame)
        _ = socket.send(&message, to: peer.span)
    }

    // MARK: Answers

    /// Places every order that is asked for, and has nothing to say to anything else.
    static let yes: Answer = { call, body in
        [call.method == OrderMethods.place.id ? reply(to: call, order(for: body)) : reply(to: call, Empty())]
    }
    /// Says nothing.
    static let silence: Answer = { _, _ in [] }

    static func order(for body: [UInt8]) -> Order {
        var offset = 0
        guard let request = try? PlaceOrder(decoding: body.span, at: &offset) else {
            preconditionFailure("not a request for an order")
        }
        return Order(
            id: OrderID(partition: Partition(rawValue: 3), sequence: request.buyer.rawValue + 1),
            sale: request.sale, lane: request.lane, buyer: request.buyer, key: request.key,
            quantity: request.quantity, amount: 100, currency: "EUR", placedAt: LedgerTime(rawValue: 1))
    }

    static func reply(to call: Header, _ body: some MessageBody) -> [UInt8] {
        var header = Header(.result)
        header.flags = [.end]
        header.callID = call.callID
        return Frame.encode(header, body: body)
    }

    static func refuse(
        _ call: Header, _ status: Status, _ certainty: Certainty, _ reason: Reason = .none,
        retryAfter: UInt32 = 0, _ body: FailureBody = FailureBody(message: "no")
    ) -> [UInt8] {
        var header = Header(.result)
        header.flags = [.end]
        header.callID = call.callID
        header.status = status
        header.certainty = certainty
        header.reason = reason
        header.milliseconds = retryAfter
        return Frame.encode(header, body: body)
    }
}

/// Waits until something is so, for at most ten seconds.
func eventually(_ condition: () async -> Bool) async -> Bool {
    let end = MonotonicTime.now() + .seconds(10)
    while !(await condition()) {
        if MonotonicTime.now() > end { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}
