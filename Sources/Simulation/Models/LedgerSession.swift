import Ledger
import Wire

/// One connection of a worker to the ledger: one request at a time, the rest in a queue, as `Channel` does it.
final class LedgerSession {
    enum Outcome {
        case answer(LedgerServer.Answer)
        /// It was sent, and what became of it is not known.
        case unknown
        /// It was never sent.
        case unsent
    }

    private struct Request {
        let statement: LedgerServer.Statement
        let finish: (Outcome) -> Void
    }

    let server: LedgerServer
    unowned let worker: Process
    /// Who it is, also after the process has died.
    let owner: String
    /// Called once when the connection ends by itself, after its requests have been answered.
    var onClose: (() -> Void)?
    private(set) var isClientThere = true
    private var isServerThere = true
    /// The transaction that the server runs for it, if any.
    weak var transaction: AnyObject?
    private var current: Request?
    private var queue: [Request] = []
    private var sentAt = MonotonicTime.distantPast
    /// Nothing gets through until then.
    var cutUntil = MonotonicTime.distantPast

    init(_ server: LedgerServer, of worker: Process, owner: String) {
        self.server = server
        self.worker = worker
        self.owner = owner
        server.connected(self)
    }

    private var world: World { worker.world }

    // MARK: The client's end

    func send(_ statement: LedgerServer.Statement, _ finish: @escaping (Outcome) -> Void) {
        guard isClientThere else { return worker.after(.zero) { finish(.unsent) } }
        queue.append(Request(statement: statement, finish: finish))
        next()
    }

    private func next() {
        guard current == nil, isClientThere, !queue.isEmpty else { return }
        let request = queue.removeFirst()
        current = request
        sentAt = world.now
        var arrival = world.now + world.network.delay()
        if cutUntil > world.now { arrival = max(arrival, cutUntil) }
        // Bytes that are on their way get there although their sender may be gone by then.
        world.schedule(at: arrival) { [self] in
            if isServerThere { server.execute(request.statement, of: self) }
        }
        let sent = sentAt
        worker.after(.seconds(6)) { [self] in
            if current != nil, sentAt == sent { breakAtClient() }
        }
    }

    /// The connection breaks at the client's end: what was sent may still run.
    func breakAtClient() {
        guard isClientThere else { return }
        isClientThere = false
        let (sent, unsent) = (current, queue)
        (current, queue) = (nil, [])
        sent?.finish(.unknown)
        for request in unsent { request.finish(.unsent) }
        onClose?()
        onClose = nil
    }

    /// Its process has died: nobody hears of anything any more.
    func abandon() {
        isClientThere = false
        (current, queue, onClose) = (nil, [], nil)
    }

    // MARK: The server's end

    func answer(_ answer: LedgerServer.Answer) {
        guard isServerThere else { return }
        var arrival = world.now + world.network.delay()
        if cutUntil > world.now { arrival = max(arrival, cutUntil) }
        let isLost: Bool =
            if case .commit = answer {
                !world.isCalm && world.network.chance(world.scenario.lostCommits)
            } else { false }
        worker.deliver(at: arrival) { [self] in
            guard isClientThere, let request = current else { return }
            if isLost { return breakAtClient() }
            current = nil
            // The server works on the next while the receiver works on this one.
            next()
            request.finish(.answer(answer))
        }
    }

    /// The server closed it, or died.
    func brokenByServer() {
        isServerThere = false
        worker.deliver(at: world.now + world.network.delay()) { [self] in breakAtClient() }
    }
}
