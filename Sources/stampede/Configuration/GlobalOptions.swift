import ArgumentParser
import Cluster

/// Where options come from that the command line leaves out.
struct ConfigOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A JSON file of options. (default: stampede.json, if there is one)", valueName: "file"))
    var config: String?

    func settings() throws(Failure) -> Settings { try Settings(file: config) }
}

/// Which cluster a command speaks to.
struct ClusterOptions: ParsableArguments {
    @OptionGroup var config: ConfigOptions

    @Option(
        help: ArgumentHelp(
            "A broker's endpoint for clients, tcp://host:port or ipc:///path; may be repeated.",
            valueName: "endpoint"))
    var broker: [String] = []

    @Option(
        help: ArgumentHelp(
            "The folder of a local cluster, used when no broker is named. (default: /var/tmp/stampede-UID)",
            valueName: "folder"))
    var data: String?

    @OptionGroup var keys: KeyOptions

    /// The brokers named, else those of the local cluster.
    func brokers() throws(Failure) -> [String] {
        let settings = try config.settings()
        let named = try settings.strings(broker, "broker")
        if !named.isEmpty { return named }
        return try ClusterOptions.localCluster(data, settings).brokers.map(\.clients)
    }

    static func localCluster(_ data: String?, _ settings: Settings) throws(Failure) -> ClusterFile {
        let folder = try DataPath.resolve(try settings.string(data, "data"))
        do throws(ClusterError) {
            return try ClusterFile.load(folder: folder)
        } catch {
            throw Failure(error)
        }
    }
}

/// Which ledger a command reads or changes.
struct LedgerOptions: ParsableArguments {
    @OptionGroup var config: ConfigOptions

    @Option(
        help: ArgumentHelp(
            "A libpq connection string: host=… dbname=… user=…, or postgres://…", valueName: "dsn"))
    var ledger: String?
}
