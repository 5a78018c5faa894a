import ArgumentParser
import Cluster

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run a flash sale on a cluster of its own, and judge it.",
        discussion: """
            Starts a cluster, sells out a sale to a crowd that behaves as crowds do, then measures how many \
            durable orders a second it takes, audits the ledger, and stops what it started. The last line on \
            standard output is one JSON object with all figures. Exits with 0 only when every check holds.
            """)

    @Option(help: "Units of the first sale. (default: 1000)")
    var units: Int?

    @Option(help: "Units that one buyer may hold. (default: 2)")
    var limit: Int?

    @Option(help: "Requests of the crowd, repeats and double clicks among them. (default: 24000)")
    var requests: Int?

    @Option(help: "Orders of the second part, the full load; 0 leaves it out. (default: 200000)")
    var fullLoadOrders: Int?

    @Option(
        help: "Calls in flight at full load; the crowd of the first part has at most 512. (default: 2048)")
    var concurrency: Int?

    @Flag(help: "Kill the worker that owns the sale with SIGKILL when half of the units are sold.")
    var killWorker = false

    @Option(help: "Makes the same crowd again. (default: a random one, printed)")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Keep the cluster's data there. (default: a fresh folder, removed afterwards)",
            valueName: "folder"))
    var data: String?

    @OptionGroup var size: ClusterSize
    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let limit = try settings.integer(limit, "limit", in: 1...1_000, default: 2)
        let plan = DemoPlan(
            units: try settings.integer(units, "units", in: 1...10_000_000, default: 1_000),
            limit: Int32(limit),
            requests: try settings.integer(requests, "requests", in: 1...10_000_000, default: 24_000),
            fullLoadOrders: try settings.integer(
                fullLoadOrders, "full-load-orders", in: 0...50_000_000, default: 200_000),
            concurrency: try settings.integer(concurrency, "concurrency", in: 1...30_000, default: 2_048),
            killsWorker: try settings.bool(killWorker, "kill-worker"),
            seed: seed ?? .random(in: 1...UInt64(UInt32.max)))
        let folder = try DemoFolder(data)
        let configuration = try size.configuration(folder: folder.path, settings, log, config)
        let interrupts = Interrupts()
        let report = try Waiting.run {
            try await Demo.run(plan, configuration, folder, interrupts)
        }
        Terminal.result(report.json.text)
        guard report.isGood else {
            throw Failure(.refused, report.failures.joined(separator: "; "))
        }
    }

    /// Whatever happens, everything that was started is stopped.
    private static func run(
        _ plan: DemoPlan, _ configuration: ClusterConfiguration, _ folder: DemoFolder,
        _ interrupts: Interrupts
    ) async throws -> DemoReport {
        defer { folder.remove() }
        let cluster: Cluster
        Terminal.result(
            "Starting \(configuration.redisCount) Redis nodes, Postgres, \(configuration.brokerCount.counted("broker")) "
                + "and \(configuration.workerCount.counted("worker")) in \(folder.path)")
        guard let started = try await Up.start(configuration, unless: interrupts) else { throw interrupted }
        cluster = started
        let reporter = Task { await UpReport.follow(cluster) }
        let result: Result<DemoReport, any Error>
        do {
            result = .success(
                try await interrupts.cancelling { try await DemoRun(plan: plan, cluster: cluster).run() })
        } catch {
            result = .failure(interrupts.isRaised ? interrupted : error)
        }
        Terminal.result("Stopping the cluster")
        await cluster.stop()
        await reporter.value
        return try result.get()
    }

    private static let interrupted = Failure(.interrupted, "interrupted: everything was stopped")
}

/// What a demo does, in numbers.
struct DemoPlan: Sendable {
    let units: Int
    let limit: Int32
    let requests: Int
    let fullLoadOrders: Int
    let concurrency: Int
    let killsWorker: Bool
    let seed: UInt64
}
