import ArgumentParser
import Cluster

struct RelayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Publish every change as an event; show, repeat and rebuild what was published.",
        discussion: """
            Without a subcommand it runs a relay: `stampede relay --sink …` is `stampede relay run --sink …`. Events, their \
            types and what a consumer may rely on are described in docs/events.md.
            """,
        subcommands: [
            RelayRun.self, RelayStatus.self, RelayReplay.self, RelayRebuild.self, RelayDeadLetters.self,
            RelayForget.self,
        ],
        defaultSubcommand: RelayRun.self)
}

/// The ledger that is named, else that of a local cluster.
struct SomeLedger: ParsableArguments {
    @OptionGroup var ledger: LedgerOptions

    @Option(
        help: ArgumentHelp(
            "The folder of a local cluster, used when no ledger is named. (default: /var/tmp/stampede-UID)",
            valueName: "folder"))
    var data: String?

    func settings() throws(Failure) -> Settings { try ledger.config.settings() }

    func dsn(_ settings: Settings) throws(Failure) -> String {
        if let named = try settings.string(ledger.ledger, "ledger") { return named }
        return try ClusterOptions.localCluster(data, settings).ledgerDSN
    }
}
