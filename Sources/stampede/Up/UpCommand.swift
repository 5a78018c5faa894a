import ArgumentParser
import Cluster
import Glibc

struct Up: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a local cluster of real processes until Ctrl-C.",
        discussion: """
            Starts Redis nodes, Postgres, brokers and workers, all in one folder and on Unix sockets, and starts \
            again whichever dies. The ledger stays in the folder: the next `up` goes on with it.
            """)

    @OptionGroup var size: ClusterSize

    @Option(
        help: ArgumentHelp(
            """
            Where everything is kept: a short path without spaces and, when root runs it, below folders that \
            the user postgres can enter. (default: /var/tmp/stampede-UID)
            """, valueName: "folder"))
    var data: String?

    @Flag(help: "Print one JSON object on one line when the cluster is ready, and nothing else.")
    var json = false

    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let folder = try DataPath.resolve(try settings.string(data, "data"))
        let configuration = try size.configuration(folder: folder, settings, log, config)
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
