import ArgumentParser
import Cluster
import Glibc

struct Up: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a local cluster of real processes until Ctrl-C.",
        discussion: """
            Starts Redis nodes, Postgres, brokers, workers and a relay, all in one folder and on Unix sockets, and starts \
            again whichever dies. The ledger stays in the folder: the next `up` goes on with it. The relay publishes every \
            change to a stream of a Redis server of its own and to tables of the ledger: see docs/events.md.
            """)

    @OptionGroup var size: ClusterSize

    @Flag(help: "Run a process that pays for orders too, and a sandbox provider that it pays at.")
    var payments = false

    @Option(
        help: ArgumentHelp(
            """
            Where everything is kept: a short path without spaces and, when root runs it, below folders that \
            the user postgres can enter. (default: /var/tmp/stampede-UID)
            """, valueName: "folder"))
    var data: String?

    @Flag(inversion: .prefixedNo, help: "Publish every change.")
    var relay = true

    @Option(
        help: ArgumentHelp(
            "One more place where events go; may be repeated. `stampede relay --help` has the kinds.",
            valueName: "address"))
    var sink: [String] = []

    @Flag(help: "Print one JSON object on one line when the cluster is ready, and nothing else.")
    var json = false

    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let folder = try DataPath.resolve(try settings.string(data, "data"))
        let configuration = try configuration(folder, settings)
        let json = json
        let interrupts = Interrupts()
        try Waiting.run {
            Terminal.message("Starting a cluster in \(folder) …")
            guard let cluster = try await Up.start(configuration, unless: interrupts) else {
                Terminal.message("Stopped before the cluster was up.")
                return
            }
            Terminal.result(json ? UpReport.json(cluster, folder) : UpReport.text(cluster, folder))
            let reporter = Task { await UpReport.follow(cluster) }
            await interrupts.wait()
            Terminal.message("Stopping …")
            await cluster.stop()
            await reporter.value
            Terminal.message("Stopped. The ledger is kept in \(folder).")
        }
    }

    private func configuration(_ folder: String, _ settings: Settings) throws(Failure) -> ClusterConfiguration
    {
        var configuration = try size.configuration(folder: folder, settings, log, config)
        configuration.hasRelay = relay
        let sinks = try SinkOptions.addresses(sink, settings).flatMap { ["--sink", $0] }
        configuration.relayArguments = configuration.brokerArguments + sinks
        configuration.hasPayments = try settings.bool(payments, "payments")
        configuration.paymentsArguments = configuration.brokerArguments
        return configuration
    }

    /// Starts the cluster, or returns nil when a signal came first and everything is stopped again.
    static func start(
        _ configuration: ClusterConfiguration, unless interrupts: Interrupts
    ) async throws -> Cluster? {
        do {
            return try await interrupts.cancelling { try await Cluster.start(configuration) }
        } catch let error as ClusterError {
            if interrupts.isRaised { return nil }
            throw Failure(error)
        }
    }
}
