import Logging
import Methods
import Resilience
import Sales
import Wire
import ZeroMQ

/// A worker's session with one broker: one socket, one connection. Ends when the broker falls silent or says
/// so, and begins anew on a new socket.
final class BrokerLink {
    /// Where the session is.
    private enum State {
        /// The socket connects; READY could not be sent yet.
        case connecting
        /// READY is sent, the broker has not been heard yet.
        case introduced
        case joined
    }

    let endpoint: String
    /// Unique in this process; a new one for every socket.
    private(set) var session: UInt32
    /// The broker's clock as of its last beat; echoed, so that the broker knows how old our word is.
    private(set) var stamp: UInt64 = 0

    private var socket: Socket?
    private var source: EventLoop.SourceID?
    private var keyCheck: KeyCheck?
    private var state = State.connecting
    private var heardAt: MonotonicTime
    private var retryAt: MonotonicTime
    /// Sessions that ended since the last in which the broker sent a beat.
    private var failures = 0
    private let keys: ConnectionKeys?
    private let context: Context
    private let loop: EventLoop
    private let logger: Logger

    private static let backoff = Backoff(base: .milliseconds(100), ceiling: .seconds(2))
    /// A broker that says nothing for so long is given up.
    private static let silence = TimeAmount.seconds(2)

    init(
        endpoint: String, keys: ConnectionKeys?, session: UInt32, context: Context, loop: EventLoop,
        logger: Logger
    ) {
        self.endpoint = endpoint
        self.keys = keys
        self.session = session
        self.context = context
        self.loop = loop
        self.logger = logger
        heardAt = loop.now
        retryAt = loop.now
    }

    var isJoined: Bool {
        switch state {
        case .joined: true
        case .connecting, .introduced: false
        }
    }

    /// Keeps the session alive: connects, introduces, gives up. `introduce` is called on every new connection.
    /// Returns true when a session has just ended.
    func tend(
        _ now: MonotonicTime, nextSession: () -> UInt32, random: () -> UInt64, ready: Ready,
        receive: @escaping () -> Void, introduced: () -> Void
    ) -> Bool {
        if socket == nil {
            if now >= retryAt { connect(now, nextSession(), random(), receive) }
            return false
        }
        if case .connecting = state, send(Header(.ready), ready) {
            state = .introduced
            introduced()
        }
        if keyCheck?.wasRefused() == true {
            logger.error(
                "A broker does not know this worker's key: ask its operator to list it with the role worker",
                metadata: ["broker": "\(endpoint)", "key": "\(keys?.own.publicKey.description ?? "")"])
        }
        guard now - heardAt > BrokerLink.silence else { return false }
        let wasJoined = isJoined
        end(now, random())
        return wasJoined
    }

    private func connect(
        _ now: MonotonicTime, _ session: UInt32, _ random: UInt64, _ receive: @escaping () -> Void
    ) {
        self.session = session
        heardAt = now
        stamp = 0
        state = .connecting
        do {
            var options = SocketOptions()
            options.maximumMessageSize = Limits.messageSize
            options.security = keys?.security(for: endpoint) ?? .none
            let socket = try Socket(.dealer, in: context, options: options)
            keyCheck = try KeyCheck(of: socket, security: options.security, in: context)
            try socket.connect(endpoint)
            source = loop.watch(socket, receive)
            self.socket = consume socket
        } catch {
            logger.error(
                "Cannot connect to a broker", metadata: ["broker": "\(endpoint)", "error": "\(error)"])
            failures += 1
            retryAt = now + Self.backoff.wait(after: failures, random: random)
        }
    }

    /// Ends the session. The next begins on a new socket after a while.
    func end(_ now: MonotonicTime, _ random: UInt64) {
        if let source { loop.remove(source) }
        source = nil
        socket = nil
        keyCheck = nil
        state = .connecting
        failures += 1
        retryAt = now + Self.backoff.wait(after: failures, random: random)
    }

    func receive(into message: inout Message) -> Bool { socket?.receive(into: &message) ?? false }

    /// The broker has sent something, perhaps a call before its first beat: from now on the session's end matters, unless
    /// it is a refusal of the session.
    func heard(_ kind: Header.Kind, _ now: MonotonicTime) {
        heardAt = now
        if !isJoined, kind != .goAway {
            state = .joined
            logger.info("Joined a broker", metadata: ["broker": "\(endpoint)"])
        }
    }

    /// The broker's beat.
    func heardBeat(_ header: Header) {
        stamp = header.callID
        // Only a broker that keeps us shows that the next session may begin at once.
        failures = 0
    }

    /// False when the message could not be sent: the broker is gone or stuck.
    @discardableResult
    func send(_ header: Header, _ body: some MessageBody) -> Bool {
        var writer = MessagePackWriter()
        body.encode(into: &writer)
        var message = Message(header: header, body: writer)
        return send(&message)
    }

    @discardableResult
    func send(_ message: inout Message) -> Bool {
        switch socket?.send(&message) {
        case .sent: true
        case .full, .unroutable, nil: false
        }
    }
}
