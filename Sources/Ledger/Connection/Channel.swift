import CPostgres
import Wire
import ZeroMQ

/// One libpq connection on an event loop: non-blocking, one request at a time, the rest in a bounded queue.
///
/// Knows nothing of what the statements mean. Not `Sendable`: it belongs to its loop's thread.
final class Channel {
    /// What to ask, and what to do with the answer.
    struct Request {
        enum Statement {
            /// Simple protocol: several statements in one string, results as text; the last rows count.
            case text(String)
            case prepare(name: String, sql: String)
            /// Binary arguments, binary rows.
            case prepared(String, (Arguments) -> Void)
        }
        let statement: Statement
        let finish: (Answer) -> Void
    }

    /// How a request ended.
    enum Answer {
        case rows(Rows)
        /// The server said ERROR: the transaction was rolled back.
        case refused(LedgerError)
        /// It was never sent.
        case unsent(LedgerError)
        /// It was sent, and what became of it is not known.
        case unknown(LedgerError)
    }

    static let queueLimit = 64

    let address: String
    /// Called once when the connection ends by itself, after all requests have been answered.
    var onClose: ((LedgerError) -> Void)?
    /// The server process.
    var backend: Int32 { connection.map { PQbackendPID($0) } ?? 0 }
    private(set) var isOpen = false

    private let loop: EventLoop
    private let answerTimeout: TimeAmount
    private var connection: OpaquePointer?
    private var source: EventLoop.SourceID?
    private var timer: EventLoop.TimerID?
    private var connected: ((Result<Void, LedgerError>) -> Void)?
    private let arguments = Arguments()

    private var queue: [Request] = []
    private var current: Request?
    private var sentAt = MonotonicTime.distantPast
    private var rows: Rows?
    private var failure: Answer?
    /// A WARNING came with the answer, so its "yes" means less than it says.
    private var warning: String?

    init(address: String, loop: EventLoop, answerTimeout: TimeAmount) {
        self.address = address
        self.loop = loop
        self.answerTimeout = answerTimeout
    }

    deinit { release() }

    // MARK: Connecting

    /// Starts to connect. Has no time limit of its own; `close()` ends the attempt.
    func connect(to endpoint: Endpoint, _ completion: @escaping (Result<Void, LedgerError>) -> Void) {
        precondition(connection == nil, "a channel connects once")
        connected = completion
        connection = endpoint.withCArrays { PQconnectStartParams($0, $1, 0) }
        guard let connection, PQstatus(connection) != CONNECTION_BAD else { return failConnecting() }
        PQsetNoticeReceiver(
            connection,
            { channel, notice in
                guard let channel, let notice else { return }
                Unmanaged<Channel>.fromOpaque(channel).takeUnretainedValue().note(notice)
            }, Unmanaged.passUnretained(self).toOpaque())  // Ends with the connection, which we own.
        // PQconnectPoll(3): "until then, behave as if the last call returned PGRES_POLLING_WRITING".
        watch(for: .writable) { [weak self] in self?.pollConnecting() }
    }

    private func pollConnecting() {
        guard let connection else { return }
        // libpq may close this descriptor and open another one, for the host's next address.
        unwatch()
        switch PQconnectPoll(connection) {
        case PGRES_POLLING_READING: watch(for: .readable) { [weak self] in self?.pollConnecting() }
        case PGRES_POLLING_WRITING: watch(for: .writable) { [weak self] in self?.pollConnecting() }
        case PGRES_POLLING_OK: finishConnecting(connection)
        default: failConnecting()
        }
    }

    private func finishConnecting(_ connection: OpaquePointer) {
        guard PQsetnonblocking(connection, 1) == 0 else { return failConnecting() }
        isOpen = true
        watch(for: .readable) { [weak self] in self?.handleReady() }
        timer = loop.schedule(every: .milliseconds(100)) { [weak self] in self?.checkTime() }
        let completion = connected.take()
        completion?(.success(()))
    }

    private func failConnecting() {
        let error = LedgerError(
            .refused, connection: connection, address: address,
            advice: "check that the server runs there and accepts this user")
        let completion = connected.take()
        release()
        completion?(.failure(error))
    }

    // MARK: Requests

    /// Asks now, or after the requests before it. The answer never comes before this returns.
    ///
    /// - Parameter first: goes before all that wait, and is not counted: at most one of these follows an answer.
    func send(_ request: Request, first: Bool = false) {
        guard isOpen else {
            return refuse(
                request, LedgerError(.lost, "no connection to the ledger at \(address); connect again"))
        }
        guard first || queue.count < Self.queueLimit else {
            return refuse(
                request,
                LedgerError(
                    .busy, "\(Self.queueLimit) requests wait for the ledger at \(address); send fewer"))
        }
        if first { queue.insert(request, at: 0) } else { queue.append(request) }
        startNext()
    }

    private func refuse(_ request: Request, _ error: LedgerError) {
        loop.schedule(after: .zero) { request.finish(.unsent(error)) }
    }

    private func startNext() {
        guard current == nil, isOpen, let connection, !queue.isEmpty else { return }
        let request = queue.removeFirst()
        current = request
        sentAt = .now()
        warning = nil
        let wasSent: Int32
        switch request.statement {
        case .text(let sql):
            wasSent = PQsendQuery(connection, sql)
        case .prepare(let name, let sql):
            wasSent = PQsendPrepare(connection, name, sql, 0, nil)
        case .prepared(let name, let encode):
            arguments.removeAll()
            encode(arguments)
            wasSent = arguments.withPointers { count, values, lengths, formats in
                PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
            }
        }
        if wasSent == 1 { flush() } else { scheduleLoss() }
    }

    private func flush() {
        guard let connection, let source else { return }
        switch PQflush(connection) {
        case 0: loop.update(source, for: .readable)
        // PQflush(3): wait for it to become read- or write-ready, and read first.
        case 1: loop.update(source, for: [.readable, .writable])
        default: scheduleLoss()
        }
    }

    /// Ends the connection in a later turn, because a caller of `send` must not be answered before it returns.
    private func scheduleLoss() {
        let error = LedgerError(.lost, connection: connection, address: address, advice: "connect again")
        loop.schedule(after: .zero) { [weak self] in self?.end(error) }
    }

    // MARK: Answers

    private func handleReady() {
        guard let connection else { return }
        let isAlive = PQconsumeInput(connection) == 1
        flush()
        while current != nil, PQisBusy(connection) == 0 {
            if let result = PQgetResult(connection) {
                absorb(result)
            } else if PQstatus(connection) == CONNECTION_OK {
                finishCurrent()
                // The answer's receiver may have closed us.
                guard self.connection != nil else { return }
            } else {
                break
            }
        }
        if current == nil { _ = PQisBusy(connection) }
        if !isAlive || PQstatus(connection) != CONNECTION_OK {
            end(LedgerError(.lost, connection: connection, address: address, advice: "connect again"))
        }
    }

    private func absorb(_ result: OpaquePointer) {
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
            rows = Rows(adopting: result)
        default:
            let error = LedgerError(result: result, address: address)
            // An error that follows rows is the COMMIT's own: the rows come before it, so it must win.
            failure = LedgerError.isPlainError(result) ? .refused(error) : .unknown(error)
            PQclear(result)
        }
    }

    /// The server is ready for the next query: only now is the transaction over, and what it wrote durable.
    private func finishCurrent() {
        guard let request = current else { return }
        let answer: Answer
        if let failure {
            answer = failure
        } else if let warning {
            // "The transaction has already committed locally, but might not have been replicated."
            answer = .unknown(LedgerError(.lost, "the ledger at \(address) warned: \(warning); ask again"))
        } else if let rows {
            answer = .rows(rows)
        } else {
            answer = .unknown(LedgerError(.lost, "the ledger at \(address) gave no answer; ask again"))
        }
        clearCurrent()
        if case .refused(let error) = answer, error.sqlState == .readOnly {
            // A primary that may no longer write will not write for the next request either: look for another.
            isOpen = false
            request.finish(answer)
            return end(error)
        }
        // The server works on the next request while the receiver works on this answer.
        startNext()
        request.finish(answer)
    }

    private func clearCurrent() {
        current = nil
        rows = nil
        failure = nil
        warning = nil
    }

    private func note(_ notice: OpaquePointer) {
        if LedgerError.field(notice, "V") == "WARNING" {
            warning = LedgerError.field(notice, "M") ?? "a warning without words"
        }
    }

    private func checkTime() {
        guard current != nil, MonotonicTime.now() - sentAt > answerTimeout else { return }
        let seconds = answerTimeout.milliseconds / 1_000
        end(LedgerError(.timeout, "the ledger at \(address) gave no answer in \(seconds) s; connect again"))
    }

    // MARK: The end

    /// Ends the connection without calling `onClose`. Requests are answered: what was sent is unknown.
    func close() {
        onClose = nil
        connected = nil
        end(LedgerError(.lost, "the connection to the ledger at \(address) was closed; connect again"))
    }

    /// Ends the connection for a reason that its user has found. Requests are answered, and `onClose` is called.
    func abandon(_ error: LedgerError) { end(error) }

    private func end(_ error: LedgerError) {
        guard connection != nil else { return }
        let sent = current
        let answer = failure
        let unsent = queue
        let onClose = onClose.take()
        release()
        // An ERROR that has already come stays a definite no.
        if case .refused = answer, let answer { sent?.finish(answer) } else { sent?.finish(.unknown(error)) }
        for request in unsent { request.finish(.unsent(error)) }
        onClose?(error)
    }

    private func release() {
        isOpen = false
        unwatch()
        if let timer { loop.cancel(timer) }
        timer = nil
        queue = []
        clearCurrent()
        if let connection { PQfinish(connection) }
        connection = nil
    }

    private func watch(for readiness: EventLoop.Readiness, _ handler: @escaping () -> Void) {
        source = loop.watch(descriptor: PQsocket(connection), for: readiness) { _ in handler() }
    }

    private func unwatch() {
        if let source { loop.remove(source) }
        source = nil
    }
}

@available(*, unavailable)
extension Channel: Sendable {}
