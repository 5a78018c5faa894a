import Ledger
import Logging
import Sales
import Wire
import ZeroMQ

/// Keeps one connection to the ledger: a connection that ended is replaced by a new one.
final class LedgerLink {
    private(set) var connection: LedgerConnection?
    var onReady: ((LedgerFacts) -> Void)?
    var onLost: (() -> Void)?
    /// No connection could be made.
    var onFailed: (() -> Void)?
    /// The ledger is there but must not be used.
    var onRefused: ((String) -> Void)?

    private let configuration: LedgerConfiguration
    private let loop: EventLoop
    private let logger: Logger
    private var retryAt = MonotonicTime.distantPast
    /// An outage is probed two to four times a second: after this, and up to as much again.
    private static let pause = TimeAmount.milliseconds(250)

    init(configuration: LedgerConfiguration, loop: EventLoop, logger: Logger) {
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
    }

    var isReady: Bool { connection?.isReady ?? false }

    /// Connects at the next opportunity: another connection has found the ledger.
    func hurry() { retryAt = .distantPast }

    /// Ends a connection to another incarnation than this; one that is being made is left to find out.
    func drop(unless incarnation: Incarnation) {
        guard let connection, let facts = connection.facts, facts.incarnation != incarnation else { return }
        self.connection = nil
        connection.close()
        onLost?()
    }

    /// Connects if there is no connection and it is time.
    func tend(_ now: MonotonicTime, _ random: UInt64) {
        guard connection == nil, now >= retryAt else { return }
        let connection = LedgerConnection(configuration: configuration, loop: loop)
        self.connection = connection
        connection.onClose = { [weak self] error in self?.lost(error, random) }
        connection.connect { [weak self] result in
            switch result {
            case .success(let facts):
                self?.onReady?(facts)
            case .failure(let error):
                self?.failed(error, random)
            }
        }
    }

    private func lost(_ error: LedgerError, _ random: UInt64) {
        logger.warning("The connection to the ledger was lost", metadata: ["error": "\(error)"])
        wait(random)
        onLost?()
    }

    private func failed(_ error: LedgerError, _ random: UInt64) {
        if [LedgerError.Code.configuration, .unsafe, .schema].contains(error.code) {
            onRefused?(error.message)
        } else {
            logger.warning("Cannot connect to the ledger", metadata: ["error": "\(error)"])
        }
        wait(random)
        onFailed?()
    }

    private func wait(_ random: UInt64) {
        connection = nil
        let jitter = random.multipliedFullWidth(by: UInt64(Self.pause.nanoseconds)).high
        retryAt = .now() + Self.pause + TimeAmount(nanoseconds: Int64(jitter))
    }
}
