import Digests
import Ledger
public import Logging
import Methods
import Redis
import Redlock
import Resilience
import Sales
import Wire
public import ZeroMQ

/// A worker: a core, and the loop that feeds it from brokers, Redis nodes and the ledger.
public final class Worker {
    /// How a worker ends.
    public enum Exit: Sendable {
        /// Drained: everything was given up in good order.
        case drained
        /// It cannot work until somebody changes something; the text says what.
        case failed(String)
    }

    let configuration: WorkerConfiguration
    let context: Context
    let loop: EventLoop
    let logger: Logger
    var core: WorkerCore?
    var locks: LockManager?
    var lockService: LockService?
    var links: [BrokerLink] = []
    let commits: LedgerLink
    let control: LedgerLink
    var incarnation: Incarnation?
    var hash = ""
    var isChecking = false
    /// Brokers whose PONG a drained worker waits for, by session; nil while there is something to do.
    var farewells: Set<UInt32>?
    /// Own calls: hand-overs asked for, by call id.
    var asked: [UInt64: Partition] = [:]
    var nextCallID: UInt64 = 1
    /// Calls of several orders whose answers are not all there. Bounded by the credit that brokers have.
    var gatherings: [ReplyAddress: Gathering] = [:]
    var nextSession: UInt32 = 1
    var writer = MessagePackWriter()
    var message = Message()
    var outgoing = Message()
    /// Leases and locks that are being given back to the nodes.
    var releases = 0
    /// Vouches for what is committed; nil without a key.
    let signer: Signer?
    let receipts: ReceiptService
    private var onExit: ((Exit) -> Void)?
    private var generator = SystemRandomNumberGenerator()

    /// Messages read from one broker before the others get their turn.
    static let drainLimit = 256

    public init(configuration: WorkerConfiguration, context: Context, loop: EventLoop, logger: Logger) {
        self.configuration = configuration
        self.context = context
        self.loop = loop
        self.logger = logger
        let ledger = LedgerConfiguration(dsn: configuration.ledger, name: configuration.name)
        commits = LedgerLink(configuration: ledger, loop: loop, logger: logger)
        control = LedgerLink(configuration: ledger, loop: loop, logger: logger)
        signer = configuration.receiptKey.map { Signer($0) }
        let reading = LedgerConfiguration(dsn: configuration.ledger, name: configuration.name + "/receipts")
        receipts = ReceiptService(LedgerLink(configuration: reading, loop: loop, logger: logger))
    }

    /// Puts the worker on its loop. `onExit` is called once, on the loop's thread.
    public func start(onExit: @escaping (Exit) -> Void) {
        self.onExit = onExit
        for (link, purpose) in [(commits, LedgerBreakers.Purpose.commit), (control, .control)] {
            link.onReady = { [unowned self] facts in ledgerReady(facts, of: link) }
            link.onLost = { [unowned self] in core?.ledgerLost(purpose, loop.now) }
            link.onRefused = { [unowned self] message in exit(.failed(message)) }
        }
        receipts.ledger.onFailed = { [unowned self] in core?.breakers.lost(.receipts, loop.now) }
        control.tend(loop.now, random())
        loop.schedule(every: .milliseconds(20)) { [unowned self] in tick() }
        loop.schedule(every: configuration.beatInterval) { [unowned self] in sendBeats() }
        loop.schedule(every: configuration.checkInterval) { [unowned self] in checkFences() }
        loop.atTurnEnd { [unowned self] in flush() }
    }

    /// Gives everything up in good order, then exits.
    public func drain() {
        guard core != nil else { return exit(.drained) }
        core!.drain(loop.now)
        leaveLocks()
        flush()
    }

    func exit(_ exit: Exit) {
        guard let onExit else { return }
        self.onExit = nil
        onExit(exit)
    }

    func random() -> UInt64 { generator.next() }

    // MARK: Time

    private func tick() {
        let now = loop.now
        control.tend(now, random())
        // The second connection waits for the first to say that the ledger is there and fit to be used.
        if control.isReady { commits.tend(now, random()) }
        tendLocks(now)
        tendReceipts(now)
        tendBrokers(now)
        core?.tick(now)
        logBreakers()
    }

    private func checkFences() {
        guard let core, !isChecking, let connection = control.connection, connection.isReady else { return }
        isChecking = true
        let sent = MonotonicTime.now()
        connection.checkFences(core.held) { [weak self] result in
            guard let self else { return }
            isChecking = false
            let now = MonotonicTime.now()
            switch result {
            case .success(let (fences, clock)):
                self.core?.checked(fences, ledger: clock, sent: sent, now)
            case .failure(let error):
                self.core?.breakers.record(error.outcome, sent: sent, now)
                logger.warning("A fence check failed", metadata: ["error": "\(error)"])
            }
        }
    }

    // MARK: The ledger

    private func ledgerReady(_ facts: LedgerFacts, of link: LedgerLink) {
        if core == nil { begin(facts) }
        if incarnation != facts.incarnation {
            logger.warning(
                "The ledger is another incarnation", metadata: ["incarnation": "\(facts.incarnation)"])
            incarnation = facts.incarnation
            core?.incarnation = facts.incarnation
            core?.incarnationChanged(loop.now)
            for link in links {
                let (session, wasJoined) = (link.session, link.isJoined)
                link.end(loop.now, random())
                if wasJoined { lost(link, session, loop.now) }
            }
        }
        // The other connection may still lead to a server that is no longer the ledger.
        for other in [commits, control] where other !== link { other.drop(unless: facts.incarnation) }
        lockService?.ledger.drop(unless: facts.incarnation)
        receipts.ledger.drop(unless: facts.incarnation)
        // No need to wait for its turn: the ledger is there.
        if link === control { commits.hurry() }
        core?.isLedgerReady = commits.isReady && control.isReady
    }

    /// The ledger has told what this cluster is: now the worker can be somebody in it.
    private func begin(_ facts: LedgerFacts) {
        incarnation = facts.incarnation
        hash = facts.hash
        guard facts.hash == RoutingKey.hashName else {
            return exit(
                .failed(
                    "the ledger's partitions are made by the hash '\(facts.hash)', this worker knows "
                        + "'\(RoutingKey.hashName)': use the version of stampede that made the ledger"))
        }
        core = WorkerCore(configuration: configuration, partitions: facts.partitions, seed: random())
        core!.incarnation = facts.incarnation
        locks = LockManager(
            nodes: configuration.redis,
            configuration: LockConfiguration(ttl: configuration.leaseTTL, quarantine: facts.anyFence),
            loop: loop, random: { [unowned self] in random() })
        locks!.onEvent = { [unowned self] in heard($0, of: $1) }
        beginLocks(anyLock: facts.anyLock)
        startQuarantine(facts)
        for endpoint in configuration.brokers {
            links.append(
                BrokerLink(
                    endpoint: endpoint, keys: configuration.keys, session: 0, context: context, loop: loop,
                    logger: logger))
        }
        logger.info(
            "The ledger is ready",
            metadata: ["incarnation": "\(facts.incarnation)", "partitions": "\(facts.partitions)"])
    }

    // MARK: Flushing

    /// At the end of every turn: sends what was decided, and commits what is next.
    private func flush() {
        guard core != nil else { return }
        performEffects()
        sendAnswers()
        commitNext()
        exitIfDone()
    }

    private func commitNext() {
        guard let connection = commits.connection, connection.isReady,
            let batches = core!.nextTransaction(loop.now)
        else { return }
        let sent = MonotonicTime.now()
        connection.commit(batches, signedBy: signer) { [weak self] outcome in
            self?.committed(outcome, sent: sent)
        }
        // Deciding again may have answered some.
        sendAnswers()
    }

    private func committed(_ outcome: CommitOutcome, sent: MonotonicTime) {
        let now = MonotonicTime.now()
        switch outcome {
        case .committed(let at):
            core!.sample(at, sent: sent, now)
            core!.committed(sent: sent, now)
        case .fenced(let partitions):
            core!.fenced(partitions, now)
        case .stale:
            core!.stale(now)
        case .refused(let error):
            logger.error("The ledger refused an entry", metadata: ["error": "\(error)"])
            core!.refused(now)
        case .failed(let error):
            logger.warning("A transaction failed", metadata: ["error": "\(error)"])
            core!.failed(isOutage: error.isOutage, now)
        case .unknown(let error):
            logger.warning("The outcome of a transaction is unknown", metadata: ["error": "\(error)"])
            core!.unknown(now)
        }
    }
}
