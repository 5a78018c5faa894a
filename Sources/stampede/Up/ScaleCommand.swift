import ArgumentParser
import Client
import Cluster

struct ScaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Have so many workers run in a local cluster; no request fails.",
        discussion: """
            Starts workers, or has the youngest hand their partitions over and end, in the cluster that `stampede up` \
            runs in the folder. Then waits until every worker owns its share.
            """)

    @Argument(help: "How many workers there are to be.")
    var workers: String

    @Option(
        help: ArgumentHelp("How long to wait for the partitions to move. (default: 60)", valueName: "seconds")
    )
    var timeout: Int?

    @Option(
        help: ArgumentHelp("The folder of the cluster. (default: /var/tmp/stampede-UID)", valueName: "folder")
    )
    var data: String?

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let seconds = try settings.integer(timeout, "timeout", in: 1...600, default: 60)
        let limit = ClusterConfiguration.processLimit
        guard let count = Int(workers), 1...limit ~= count else {
            throw Failure(.usage, "‘\(workers)’ is no number of workers: give one from 1 to \(limit)")
        }
        let folder = try DataPath.resolve(try settings.string(data, "data"))
        let brokers = try ClusterOptions.localCluster(data, settings).brokers.map(\.clients)
        let json = json
        try Waiting.run {
            let end = ContinuousClock.now + .seconds(seconds)
            let scaling = try await ScaleCommand.begin(folder, count)
            let client = try StampedeClient(brokers: brokers)
            let crew = await ScaleCommand.balanced(client, scaling.workers, until: end)
            await client.close()
            guard let crew else {
                throw Failure(
                    .refused,
                    "the workers run, but have not divided the partitions after \(seconds) s: `stampede worker list` shows "
                        + "how far they are, and \(folder)/logs why")
            }
            Terminal.result(json ? ScaleCommand.json(scaling, crew).text : ScaleCommand.text(scaling, crew))
        }
    }

    private static func begin(_ folder: String, _ count: Int) async throws -> Scaling {
        try await Waiting.blocking {
            do throws(ClusterError) {
                return try Cluster.scale(folder: folder, to: count)
            } catch {
                throw Failure(error)
            }
        }
    }

    /// Waits until these workers, and no others, own their shares, and tells how far they are. Nil when the time is up.
    private static func balanced(
        _ client: StampedeClient, _ names: [String], until end: ContinuousClock.Instant
    ) async -> Crew? {
        defer { Terminal.endProgress() }
        var told = ""
        while .now < end {
            let crew = Crew(await client.brokerStatus())
            if crew.isBalanced(among: names) { return crew }
            if crew.summary != told { Terminal.progress(crew.summary) }
            told = crew.summary
            try? await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }

    private static func text(_ scaling: Scaling, _ crew: Crew) -> String {
        let changes = [
            scaling.added.isEmpty ? nil : "Started \(scaling.added.joined(separator: ", ")).",
            scaling.leaving.isEmpty ? nil : "Ended \(scaling.leaving.joined(separator: ", ")).",
        ]
        return (changes.compactMap { $0 } + [crew.text]).joined(separator: "\n")
    }

    private static func json(_ scaling: Scaling, _ crew: Crew) -> JSON {
        .object([
            ("added", .array(scaling.added.map { .string($0) })),
            ("ended", .array(scaling.leaving.map { .string($0) })), ("crew", crew.json),
        ])
    }
}
