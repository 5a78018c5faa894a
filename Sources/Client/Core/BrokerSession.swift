import Wire

/// The session with one broker. One socket is one connection is one session: a new session is a new socket.
struct BrokerSession: Sendable {
    enum State: Hashable, Sendable {
        /// No socket. Becomes `opening` at `retryAt`.
        case down(retryAt: MonotonicTime)
        /// A socket without a connection. Becomes `greeting`, or `down` after the connect limit.
        case opening
        /// Connected, and a PING is on its way. Becomes `up` with any answer, or `down`.
        case greeting
        /// The broker answers. Becomes `draining` or `down`.
        case up
        /// The broker takes no new calls. Becomes `down` when the calls in flight have ended.
        case draining(retryAt: MonotonicTime)
    }

    var state: State
    /// When the current state began; of `up`, when the session last came up.
    var since: MonotonicTime
    var heardAt = MonotonicTime.distantPast
    var pingedAt = MonotonicTime.distantPast
    /// Connections in a row that did not last.
    var failures = 0
    /// Attempts that were given to this session and have not ended.
    var attempts = 0

    /// A session this old ended by accident, not because the broker cannot keep one.
    static let healthyAge = TimeAmount.seconds(30)

    /// There is a socket.
    var isOpen: Bool {
        switch state {
        case .down: false
        case .opening, .greeting, .up, .draining: true
        }
    }

    /// There is a connection.
    var isConnected: Bool {
        switch state {
        case .down, .opening: false
        case .greeting, .up, .draining: true
        }
    }

    mutating func enter(_ state: State, _ now: MonotonicTime) {
        self.state = state
        since = now
    }
}
