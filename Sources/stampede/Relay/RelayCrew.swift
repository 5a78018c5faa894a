import Dispatch
import Ledger
import Logging
import Relay
import Synchronization
import Wire

/// The threads of a relay, one per sink.
final class RelayCrew: Sendable {
    private struct Results {
        var lines: [String] = []
        var isDiverged = false
    }

    private let dsn: String
    private let source: String?
    private let secret: String?
    private let isOnce: Bool
    private let stop: StopFlag
    private let logger: Logger
    private let threads = DispatchGroup()
    private let results = Mutex(Results())

    init(dsn: String, source: String?, secret: String?, isOnce: Bool, stop: StopFlag, logger: Logger) {
        self.dsn = dsn
        self.source = source
        self.secret = secret
        self.isOnce = isOnce
        self.stop = stop
        self.logger = logger
    }

    /// What was told, a line per sink that is done.
    var lines: [String] { results.withLock { $0.lines.sorted() } }
    var isDiverged: Bool { results.withLock { $0.isDiverged } }

    /// Whether all threads have ended within that time.
    func isOver(within time: TimeAmount) -> Bool {
        threads.wait(timeout: .now() + .nanoseconds(Int(time.nanoseconds))) == .success
    }

    func start(_ sink: SinkAddress) {
        DispatchQueue(label: "stampede.relay.\(sink.name)").async(group: threads) { [self] in
            let (source, secret) = (source, secret)
            var configuration = Pump.Configuration(ledger: dsn, sink: sink.name, target: sink.description)
            configuration.stopsAtEnd = isOnce
            let pump = Pump(configuration, stop: stop, logger: logger, seed: .random(in: .min ... .max)) {
                (ledger: RelayLedger) throws(SinkError) in
                try sink.makeSink(
                    source: source ?? "/stampede/\(ledger.name)", secret: secret,
                    seed: .random(in: .min ... .max))
            }
            logger.info("Telling", metadata: ["sink": "\(sink.name)", "target": "\(sink.description)"])
            let began = ContinuousClock.now
            pump.run()
            let rate = RelayCrew.rate(pump.published, since: began)
            results.withLock { results in
                results.lines.append("Told \(sink.name) \(rate).")
                if pump.isDiverged { results.isDiverged = true }
            }
        }
    }

    /// For example "1,000 entries in 0.5 s, 2,000 a second".
    static func rate(_ entries: Int, since began: ContinuousClock.Instant) -> String {
        let (seconds, attoseconds) = began.duration(to: .now).components
        let time = max(Double(seconds) + Double(attoseconds) / 1e18, 1e-3)
        let words = entries == 1 ? "1 entry" : "\(entries.grouped) entries"
        return "\(words) in \(time.fixed(1)) s, \(Int(Double(entries) / time).grouped) a second"
    }
}
