import ArgumentParser
import Broker
import Glibc
import Logging
import Wire
import ZeroMQ

struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Run one broker until SIGTERM.",
        discussion: """
            Brokers share nothing: run several, and give all their endpoints to every client and worker.
            """)

    @Option(help: "Unique among the brokers; shown in status and logs.")
    var name: String?

    @Option(help: ArgumentHelp("Where clients connect; may be repeated.", valueName: "endpoint"))
    var clients: [String] = []

    @Option(help: ArgumentHelp("Where workers connect; may be repeated.", valueName: "endpoint"))
    var workers: [String] = []

    @Option(
        name: .customLong("lease-ttl"),
        help: ArgumentHelp(
            "Lifetime of the workers' leases, the same everywhere. (default: 3000)", valueName: "ms"))
    var leaseTTL: Int?

    @Flag(
        name: .customLong("allow-unauthenticated-tcp"),
        help: """
            Listen on TCP beyond this machine although nobody is asked who they are: only in a network of \
            your own.
            """)
    var allowUnauthenticatedTCP = false

    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let name = try settings.required(try settings.string(name, "name"), "name")
        let clients = try settings.required(try settings.strings(clients, "clients"), "clients")
        let workers = try settings.required(try settings.strings(workers, "workers"), "workers")
        let isOpen = try settings.bool(allowUnauthenticatedTCP, "allow-unauthenticated-tcp")
        for endpoint in clients + workers { try Listener(endpoint).check(isOpen: isOpen) }
        let configuration = BrokerConfiguration(
            name: name, leaseTTL: .milliseconds(Int64(try settings.leaseTTL(leaseTTL))))
        try run(configuration, clients, workers, try log.logger(name, settings))
    }

    /// How long farewells may take to leave.
    private static let flushTime = TimeAmount.milliseconds(100)

    private func run(
        _ configuration: BrokerConfiguration, _ clients: [String], _ workers: [String], _ logger: Logger
    ) throws {
        let loop = EventLoop()
        var stop: (Int32) -> Void = { _ in }
        // Before libzmq makes the process's second thread.
        loop.watch(signals: [SIGTERM, SIGINT]) { stop($0) }
        do throws(ZeroMQError) {
            let broker = try Broker(
                configuration: configuration, clients: clients, workers: workers, context: Context(),
                loop: loop, logger: logger)
            broker.start()
            stop = { signal in
                logger.info("Stopping", metadata: ["signal": "\(signal)"])
                broker.sayGoodbye()
                loop.schedule(after: BrokerCommand.flushTime) { loop.stop() }
            }
            logger.info(
                "Listening",
                metadata: [
                    "clients": "\(broker.clientEndpoints.joined(separator: ","))",
                    "workers": "\(broker.workerEndpoints.joined(separator: ","))",
                ])
            loop.run()
            stop = { _ in }
        } catch {
            let advice =
                error.isAddressInUse ? "" : "; check that its path exists and is yours, or its address"
            throw Failure(.refused, "the broker cannot listen: \(error)\(advice)")
        }
    }
}
