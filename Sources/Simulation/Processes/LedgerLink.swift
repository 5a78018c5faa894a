import Ledger
import Resilience
import Wire
import Workers

/// Keeps one of a worker's connections to the ledger, as `Workers/Shell/LedgerLink` does.
final class LedgerLink {
    private(set) var session: LedgerSession?
    private unowned let worker: WorkerProcess
    private let purpose: LedgerBreakers.Purpose
    private var isConnecting = false
    private var retryAt = MonotonicTime.distantPast
    private var failures = 0
    private static let backoff = Backoff(base: .milliseconds(250), ceiling: .milliseconds(500))
    /// Nothing gets to the ledger until then.
    var cutUntil = MonotonicTime.distantPast

    init(_ worker: WorkerProcess, _ purpose: LedgerBreakers.Purpose) {
        self.worker = worker
        self.purpose = purpose
    }

    var isReady: Bool { session != nil }
    private var world: World { worker.world }

    func tend() {
        guard session == nil, !isConnecting, worker.now >= retryAt else { return }
        isConnecting = true
        // Several round trips: facts, history, settings, statements.
        let delay = world.network.delay() + world.network.delay() + .milliseconds(2)
        guard world.now >= cutUntil else {
            return worker.after(.seconds(2)) { [self] in failed() }
        }
        worker.after(delay) { [self] in
            guard world.ledger.isUp, world.now >= cutUntil else { return failed() }
            connected()
        }
    }

    private func connected() {
        let session = LedgerSession(world.ledger, of: worker, owner: worker.name)
        isConnecting = false
        self.session = session
        failures = 0
        session.onClose = { [unowned self] in
            self.session = nil
            wait()
            worker.ledgerLost(purpose)
        }
        worker.ledgerReady(
            LedgerFacts(
                incarnation: world.ledger.incarnation, partitions: world.scenario.partitions,
                hash: RoutingKey.hashName, anyFence: true))
    }

    private func failed() {
        isConnecting = false
        wait()
    }

    private func wait() {
        failures += 1
        retryAt = worker.now + Self.backoff.wait(after: failures, random: world.random())
    }

    func cut(until end: MonotonicTime) {
        cutUntil = max(cutUntil, end)
        session?.cutUntil = cutUntil
    }

    func abandon() { session?.abandon() }
}
