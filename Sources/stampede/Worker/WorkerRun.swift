import ArgumentParser
import Glibc
import Logging
import Redis
import Wire
import Workers
import ZeroMQ

struct WorkerRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one worker until SIGTERM, then hand its partitions over.",
        discussion: """
            Serves until its successors have taken every partition, so that no request fails. A second signal ends it \
            at once.
            """)

    @Option(help: "Unique among the workers, the same after a restart; decides which partitions it owns.")
    var name: String?

    @Option(help: ArgumentHelp("A broker's endpoint for workers; repeat for each.", valueName: "endpoint"))
    var broker: [String] = []

    @Option(
        help: ArgumentHelp(
            "A Redis node, host:port or unix:/path; repeat for each. An odd number of independent ones.",
            valueName: "address"))
    var redis: [String] = []

    @Option(
        help: ArgumentHelp(
            "The ledger: host=… dbname=… user=…, or postgres://…", valueName: "dsn"))
    var ledger: String?

    @Option(
        name: .customLong("lease-ttl"),
        help: ArgumentHelp(
            "Lifetime of a lease, the same everywhere. (default: 3000)", valueName: "ms"))
    var leaseTTL: Int?

    @Option(
        help: ArgumentHelp(
            "What an owner does when the Redis nodes make no quorum: continue under its fence, or refuse. (default: continue)",
            valueName: "policy"))
    var onQuorumLoss: String?

    @Option(
        help: ArgumentHelp(
            "The .key file that signs receipts, made by `stampede keygen --receipts`; without it nobody signs them.",
            valueName: "file"))
    var receiptKey: String?

    @OptionGroup var keys: KeyOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let configuration = try configuration(settings)
        let logger = try log.logger(configuration.name, settings)
        let loop = EventLoop()
        var handle: (Int32) -> Void = { _ in }
        // Before libzmq makes the process's second thread.
        loop.watch(signals: [SIGTERM, SIGINT]) { handle($0) }
        let worker = Worker(configuration: configuration, context: Context(), loop: loop, logger: logger)
        var failure: String?
        worker.start { exit in
            if case .failed(let sentence) = exit { failure = sentence }
            loop.stop()
        }
        worker.tellOfNodes()
        var isDraining = false
        handle = { signal in
            // Whoever asks twice does not want to wait. The ledger's fence makes that safe.
            if isDraining { _exit(128 + signal) }
            isDraining = true
            logger.info("Draining", metadata: ["signal": "\(signal)"])
            worker.drain()
        }
        loop.run()
        handle = { _ in }
        if let failure { throw Failure(.refused, failure) }
        logger.info("Drained")
    }

    private func configuration(_ settings: Settings) throws(Failure) -> WorkerConfiguration {
        let addresses = try settings.required(try settings.strings(redis, "redis"), "redis")
        var nodes: [RedisAddress] = []
        for address in addresses {
            do throws(RedisError) {
                nodes.append(try RedisAddress(address))
            } catch {
                throw Failure(.usage, error.message)
            }
        }
        guard Set(nodes).count == nodes.count else {
            throw Failure(.usage, "--redis names a node twice: each vote must be of another node")
        }
        var configuration = WorkerConfiguration(
            name: try settings.required(try settings.string(name, "name"), "name"),
            brokers: try settings.required(try settings.strings(broker, "broker"), "broker"), redis: nodes,
            ledger: try settings.required(try settings.string(ledger, "ledger"), "ledger"),
            leaseTTL: .milliseconds(Int64(try settings.leaseTTL(leaseTTL))))
        configuration.keys = try keys.load(settings, for: configuration.brokers)
        configuration.onQuorumLoss = try settings.choice(
            onQuorumLoss, "on-quorum-loss", of: WorkerConfiguration.QuorumLossPolicy.allCases,
            default: .continue)
        if let file = try settings.string(receiptKey, "receipt-key") {
            do throws(SecurityError) {
                configuration.receiptKey = try ReceiptKeyFile.load(file)
            } catch {
                throw Failure(.usage, error.message)
            }
        }
        return configuration
    }
}
