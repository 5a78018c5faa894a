import Resilience
public import Wire
public import ZeroMQ

/// A connection to one Redis server that never gives up: it connects without blocking, learns whom it talks
/// to, and connects again when it is lost.
///
/// Commands go out in the order of the calls and are answered in that order; between a loss and the next
/// `ready` they are refused. Not for subscriptions. Belongs to the thread of its loop, and lives until it is
/// closed.
public final class RedisConnection {
    /// What the owner should know.
    public enum Event: Sendable {
        /// Commands are accepted from now on.
        case ready(ServerInfo)
        /// A ready connection was lost. The completions of its commands were called before.
        case lost(RedisError)
    }

    private enum State {
        /// Waits for the next try. Can become `resolving`, `connecting`, `closed`.
        case waiting(EventLoop.TimerID)
        /// Asks for the addresses of a host name. Can become `waiting`, `connecting`, `closed`.
        case resolving(NameLookup)
        /// The socket is connecting, until a timer gives up. Can become `waiting`, `greeting`, `closed`.
        case connecting(HiredisLink, EventLoop.TimerID)
        /// Asked `INFO`. A paused server leaves us here until it wakes. Can become `waiting`, `ready`,
        /// `closed`.
        case greeting(HiredisLink)
        /// Can become `waiting`, `closed`.
        case ready(HiredisLink, ServerInfo)
        case closed
    }

    /// How many commands may wait for their answers unless the initializer says otherwise.
    public static let usualLimit = 4_096
    /// A connection that does not stand after this long is tried anew.
    static let connectTimeout = TimeAmount.seconds(1)

    /// The server's address.
    public let address: RedisAddress
    /// How many commands may wait for their answers.
    public let limit: Int
    /// How many commands wait for their answers.
    public private(set) var inFlight = 0
    /// Since when nothing was answered although commands wait; nil when none do.
    public private(set) var waitingSince: MonotonicTime?
    /// Why the last connection, or try to connect, failed; nil while connected.
    public private(set) var lastError: RedisError?

    private var state = State.closed
    /// Failures to connect since the last connection that was ready.
    private var failures = 0
    private var tries = 0
    private static let backoff = Backoff(base: .milliseconds(50), ceiling: .seconds(2))
    /// Keeps an unlucky series of draws from becoming a busy loop.
    private static let shortestWait = TimeAmount.milliseconds(2)
    private let loop: EventLoop
    private let random: () -> UInt64
    private let onEvent: (Event) -> Void

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - limit: Bound on the commands that wait for their answers.
    ///   - random: Source of uniform random numbers, for the times between tries (50 ms…2 s, full jitter).
    ///   - onEvent: Called from the loop, never from within a call of the owner's.
    public init(
        to address: RedisAddress, limit: Int = usualLimit, loop: EventLoop, random: @escaping () -> UInt64,
        onEvent: @escaping (Event) -> Void
    ) {
        precondition(limit > 0, "a connection needs room for a command, not \(limit)")
        self.address = address
        self.limit = limit
        self.loop = loop
        self.random = random
        self.onEvent = onEvent
        state = .waiting(loop.schedule(after: .zero) { [self] in begin() })
    }

    /// What the server said about itself when the connection became ready; nil when it is not.
    public var info: ServerInfo? {
        if case .ready(_, let info) = state { info } else { nil }
    }

    /// Sends a command.
    ///
    /// - Parameter completion: Called once, from the loop: with the answer (which may be the server's
    ///   refusal, see `RedisReply.error(_:)`), or with `connectionLost` or `closed`, when nobody knows
    ///   whether the command was executed.
    /// - Throws: `notConnected`, `closed` or `tooManyInFlight`: nothing was sent, `completion` is not called.
    public func command(
        _ arguments: [RedisArgument], _ completion: @escaping (Result<RedisReply, RedisError>) -> Void
    ) throws(RedisError) {
        guard case .ready(let link, _) = state else {
            throw notConnected
        }
        guard inFlight < limit else {
            throw RedisError(
                .tooManyInFlight,
                "Redis at \(address) has \(limit) commands to answer: wait until it has caught up.")
        }
        try send(arguments, on: link, completion)
    }

    /// Ends the connection for good. What the socket takes at once is still written; all waiting completions
    /// are called with `closed`.
    public func close() {
        let old = state
        state = .closed
        switch old {
        case .waiting(let timer): loop.cancel(timer)
        case .resolving(let lookup): lookup.cancel()
        case .connecting(let link, let timer):
            loop.cancel(timer)
            link.close(Self.closed)
        case .greeting(let link), .ready(let link, _): link.close(Self.closed)
        case .closed: break
        }
    }

    private static let closed = RedisError(.closed, "The connection was closed on this side.")

    private func send(
        _ arguments: [RedisArgument], on link: HiredisLink,
        _ completion: @escaping (Result<RedisReply, RedisError>) -> Void
    ) throws(RedisError) {
        precondition(!arguments.isEmpty, "a command has at least one word")
        let isAccepted = link.send(RedisArgument.encode(arguments)) { [self] reply in
            inFlight -= 1
            waitingSince = inFlight == 0 ? nil : .now()
            completion(reply.map { .success($0) } ?? .failure(lossError))
        }
        // The link is about to end: we were called by the completion of one of its lost commands.
        guard isAccepted else { throw notConnected }
        inFlight += 1
        if inFlight == 1 { waitingSince = .now() }
    }

    // MARK: Connecting

    private func begin() {
        tries += 1
        switch address.endpoint {
        case .tcp(let host, let port) where !NameLookup.isNumeric(host):
            let lookup = NameLookup(of: host, loop: loop) { [self] result in
                switch result {
                case .success(let hosts): connect(to: .tcp(host: hosts[tries % hosts.count], port: port))
                case .failure(let error): retry(after: error)
                }
            }
            state = .resolving(lookup)
        case .tcp, .unix: connect(to: address.endpoint)
        }
    }

    private func connect(to endpoint: RedisAddress.Endpoint) {
        do throws(RedisError) {
            let link = try HiredisLink(
                to: endpoint, loop: loop, onConnect: { [self] in greet() }, onEnd: { [self] in ended($0) })
            let timer = loop.schedule(after: Self.connectTimeout) {
                link.close(
                    RedisError(
                        .notConnected, "it did not answer within \(Self.connectTimeout.milliseconds) ms"))
            }
            state = .connecting(link, timer)
        } catch {
            retry(after: error)
        }
    }

    private func greet() {
        guard case .connecting(let link, let timer) = state else { return }
        loop.cancel(timer)
        state = .greeting(link)
        do throws(RedisError) {
            try send(["INFO"], on: link) { [self] in greeted($0, by: link) }
        } catch {
            preconditionFailure("hiredis refused a command on a new connection")
        }
    }

    private func greeted(_ result: Result<RedisReply, RedisError>, by link: HiredisLink) {
        guard case .greeting = state, case .success(let reply) = result else { return }
        guard let text = reply.text, let info = ServerInfo(parsing: text) else {
            let answer = if case .error(let text) = reply { text } else { "something else" }
            return link.close(
                RedisError(.notConnected, "it answered INFO with \"\(answer)\": check address and access"))
        }
        state = .ready(link, info)
        lastError = nil
        failures = 0
        onEvent(.ready(info))
    }

    // MARK: Losing

    /// Why a command is refused.
    private var notConnected: RedisError {
        if case .closed = state { return Self.closed }
        return RedisError(
            .notConnected, lastError?.message ?? "Redis at \(address) is not connected yet: try again soon.")
    }

    /// Why a command that was sent fails.
    private var lossError: RedisError {
        if case .closed = state { return Self.closed }
        return RedisError(
            .connectionLost,
            "The connection to Redis at \(address) was lost: the command may or may not have been executed.")
    }

    private func ended(_ error: RedisError) {
        let old = state
        if case .closed = old { return }
        if case .connecting(_, let timer) = old { loop.cancel(timer) }
        let lost = retry(after: error)
        if case .ready = old { onEvent(.lost(lost)) }
    }

    @discardableResult
    private func retry(after error: RedisError) -> RedisError {
        let reason = RedisError(
            error.code,
            "Redis at \(address) is not reachable (\(error)): see that it runs there; we go on trying.")
        lastError = reason
        failures += 1
        let wait = max(Self.shortestWait, Self.backoff.wait(after: failures, random: random()))
        state = .waiting(loop.schedule(after: wait) { [self] in begin() })
        return reason
    }
}

@available(*, unavailable)
extension RedisConnection: Sendable {}
