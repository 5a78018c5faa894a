import Wire
public import ZeroMQ

/// One connection to the ledger, on an event loop. The only way of a worker to read and write it.
///
/// One request is under way at a time; at most 64 wait, and more are refused with `LedgerError.Code.busy`.
/// A completion never runs before the call that it belongs to has returned, and is called exactly once.
/// A connection that has ended stays ended: make another. Not `Sendable`: it belongs to its loop's thread.
public final class LedgerConnection {
    /// How many transactions and other requests may wait behind the one under way.
    public static let queueLimit = Channel.queueLimit
    /// How often a fence is tried for while somebody else holds its row.
    public static let fenceAttempts = 20

    /// Called once when a connection that was ready ends by itself. All its requests have been answered by then.
    public var onClose: ((LedgerError) -> Void)?
    /// What the server said when the connection became ready.
    public private(set) var facts: LedgerFacts?
    /// True from a successful `connect` until the connection ends.
    public var isReady: Bool { wasMade && channel?.isOpen ?? false }
    private var wasMade = false
    /// Number of the server process, 0 while there is none.
    public var backend: Int32 { channel?.backend ?? 0 }

    let configuration: LedgerConfiguration
    let loop: EventLoop
    private(set) var channel: Channel?
    private var attempt: Attempt?

    /// A host that vanished without a word is noticed in 5 s, used or idle. Unless the connection string says
    /// otherwise, and on TCP only (https://www.postgresql.org/docs/15/libpq-connect.html, 34.1.2).
    private static let liveness = [
        ("keepalives_idle", "2"), ("keepalives_interval", "1"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "5000"),
    ]

    /// A connection that is being made.
    private struct Attempt {
        var hosts: [Endpoint]
        var failures: [LedgerError] = []
        let hasFailover: Bool
        let completion: (Result<LedgerFacts, LedgerError>) -> Void
        var timer: EventLoop.TimerID?
    }

    public init(configuration: LedgerConfiguration, loop: EventLoop) {
        self.configuration = configuration
        self.loop = loop
    }

    /// Closes the connection: what was sent is `unknown`, what waits has failed, `onClose` is not called.
    public func close() {
        wasMade = false
        if let attempt = self.attempt.take() {
            if let timer = attempt.timer { loop.cancel(timer) }
            channel?.close()
            attempt.completion(.failure(LedgerError(.lost, "the connection was closed before it was ready")))
        } else {
            channel?.close()
        }
        channel = nil
    }

    // MARK: Connecting

    /// Connects, checks that the server keeps its promises, and prepares the statements.
    ///
    /// Refused, with the setting, its value and what to do: fsync, full_page_writes or synchronous_commit off
    /// (`on` and `remote_apply` will do), a server before 14, several hosts without a synchronous standby, a
    /// missing, older or newer schema. A host that is in recovery, was told not to write, or cannot be reached is
    /// passed over.
    public func connect(_ completion: @escaping (Result<LedgerFacts, LedgerError>) -> Void) {
        precondition(attempt == nil && channel == nil, "a ledger connection connects once; make another")
        let hosts: [Endpoint]
        do throws(LedgerError) {
            hosts = try Endpoint.parse(configuration.dsn)
        } catch {
            loop.schedule(after: .zero) { completion(.failure(error)) }
            return
        }
        attempt = Attempt(hosts: hosts, hasFailover: hosts.count > 1, completion: completion)
        loop.schedule(after: .zero) { [weak self] in self?.tryNextHost() }
    }

    private func tryNextHost() {
        guard var attempt else { return }
        guard !attempt.hosts.isEmpty else { return giveUp(attempt) }
        var host = attempt.hosts.removeFirst()
        host.set("application_name", "stampede/\(configuration.name)")
        host.set("client_encoding", "UTF8")
        for (keyword, value) in Self.liveness { host.setDefault(keyword, value) }
        let channel = Channel(
            address: host.address, loop: loop, answerTimeout: configuration.statementTimeout + .seconds(1))
        self.channel = channel
        let limit = configuration.connectTimeout
        attempt.timer = loop.schedule(after: limit) { [weak self] in
            self?.passOver(
                LedgerError(
                    .timeout,
                    "the ledger at \(host.address) was not ready in \(limit.milliseconds) ms; check that it runs"
                ))
        }
        self.attempt = attempt
        let session = Session(
            configuration: configuration, address: host.address, hasFailover: attempt.hasFailover)
        channel.onClose = { [weak self] in self?.passOver($0) }
        channel.connect(to: host) { [weak self] result in
            switch result {
            case .success: self?.open(session, channel)
            case .failure(let error): self?.passOver(error)
            }
        }
    }

    private func passOver(_ error: LedgerError) {
        guard attempt != nil else { return }
        if let timer = attempt?.timer { loop.cancel(timer) }
        attempt?.failures.append(error)
        let channel = self.channel.take()
        channel?.close()
        tryNextHost()
    }

    private func giveUp(_ attempt: Attempt) {
        self.attempt = nil
        // What a reachable server objects to says more than that another one could not be reached.
        let telling = attempt.failures.first { $0.code != .refused && $0.code != .timeout }
        let error = telling ?? attempt.failures[0]
        guard attempt.failures.count > 1, telling == nil else { return attempt.completion(.failure(error)) }
        let all = attempt.failures.map(\.message).joined(separator: "; ")
        attempt.completion(.failure(LedgerError(error.code, all, sqlState: error.sqlState)))
    }

    private func open(_ session: Session, _ channel: Channel) {
        step(channel, .text(session.opening)) { [self] rows throws(LedgerError) in
            let incarnation = try session.incarnation(rows)
            step(channel, .text(Session.history)) { [self] rows throws(LedgerError) in
                try session.checkHistory(rows)
                step(channel, .text(Session.settings)) { [self] rows throws(LedgerError) in
                    prepare(Statements.all[...], try session.facts(rows, incarnation), channel)
                }
            }
        }
    }

    private func prepare(
        _ statements: ArraySlice<(name: String, sql: String)>, _ facts: LedgerFacts, _ channel: Channel
    ) {
        guard let next = statements.first else { return becomeReady(facts) }
        step(channel, .prepare(name: next.name, sql: next.sql)) { [self] _ in
            prepare(statements.dropFirst(), facts, channel)
        }
    }

    /// One request of an attempt. Whatever fails, fails the host.
    private func step(
        _ channel: Channel, _ statement: Channel.Request.Statement,
        _ next: @escaping (Rows) throws(LedgerError) -> Void
    ) {
        channel.send(
            Channel.Request(statement: statement) { [weak self] answer in
                guard let self, attempt != nil, self.channel === channel else { return }
                do throws(LedgerError) { try next(try answer.rows()) } catch { passOver(error) }
            })
    }

    private func becomeReady(_ facts: LedgerFacts) {
        guard let attempt = self.attempt.take() else { return }
        if let timer = attempt.timer { loop.cancel(timer) }
        channel?.onClose = { [weak self] error in
            guard let self else { return }
            wasMade = false
            channel = nil
            onClose.take()?(error)
        }
        self.facts = facts
        wasMade = true
        attempt.completion(.success(facts))
    }

    // MARK: Requests

    /// Sends a prepared statement, or says that there is no connection to send it on.
    ///
    /// - Parameter goesOn: continues a request that has just been answered, and so goes before those that wait.
    func send(
        _ name: String, goesOn: Bool = false, _ encode: @escaping (Arguments) -> Void,
        _ finish: @escaping (Channel.Answer) -> Void
    ) {
        guard isReady, let channel else {
            let error = LedgerError(.lost, "the connection to the ledger is not ready; connect first")
            loop.schedule(after: .zero) { finish(.unsent(error)) }
            return
        }
        channel.send(Channel.Request(statement: .prepared(name, encode), finish: finish), first: goesOn)
    }
}

@available(*, unavailable)
extension LedgerConnection: Sendable {}

extension Channel.Answer {
    /// The rows, or why there are none. For requests that change nothing or may be repeated.
    func rows() throws(LedgerError) -> Rows {
        switch self {
        case .rows(let rows): return rows
        case .refused(let error), .unsent(let error), .unknown(let error): throw error
        }
    }
}
