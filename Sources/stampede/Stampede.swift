import ArgumentParser
import Glibc
import PlantedBugs

/// The one program of Stampede: a subcommand per process and per task.
///
/// Not an `AsyncParsableCommand`: a broker or worker is one thread, and signals must be blocked before
/// another thread exists. Commands that await something do so through `Waiting`.
@main
struct Stampede: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stampede",
        abstract: "A flash-sale order engine: never oversold, and a yes is durable.",
        discussion: """
            Start with:
              stampede demo                      a whole flash sale on a cluster of its own
              stampede up                        a local cluster, until Ctrl-C
              stampede sale create Sneaker --units 1000 --price 89.90 --limit 2
              stampede order place --sale ID --buyer 7
              stampede audit                     judge the promises by the ledger alone

            Options are taken from the command line, then from the environment (--lease-ttl is \
            STAMPEDE_LEASE_TTL, lists have commas), then from the JSON file named by --config, or \
            ./stampede.json ({"lease-ttl": 3000}). What a single request says, such as a buyer or a price, \
            is only taken from the command line.

            Exit codes: 0 done; 1 refused or failed, in one sentence on standard error; 2 the outcome is \
            not known (the sentence says how to settle it), or an audit could not run; 64 the command line \
            is wrong.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Try it", subcommands: [Demo.self, Up.self, ScaleCommand.self]),
            CommandGroup(
                name: "Sell",
                subcommands: [SaleCommand.self, OrderCommand.self, StatusCommand.self]),
            CommandGroup(name: "Tell buyers", subcommands: [NotifyCommand.self, ContactCommand.self]),
            CommandGroup(name: "Locks", subcommands: [LockCommand.self]),
            CommandGroup(name: "The protocol", subcommands: [CallCommand.self, ConformanceCommand.self]),
            CommandGroup(name: "Prove it", subcommands: [ChaosCommand.self]),
            CommandGroup(
                name: "The ledger", subcommands: [Migrate.self, AuditCommand.self, RelayCommand.self]),
            CommandGroup(
                name: "Processes",
                subcommands: [
                    BrokerCommand.self, WorkerCommand.self, PaymentsCommand.self, SandboxCommand.self,
                    Keygen.self,
                ]),
        ])

    static func main() {
        // A reader that went away, as in `stampede status | head`, ends us without a word.
        signal(SIGPIPE, SIG_DFL)
        #if PlantedBugs
            // Brokers and workers that `chaos` starts inherit it.
            if let name = getenv("STAMPEDE_PLANTED_BUG") {
                guard let bug = PlantedBug(rawValue: String(cString: name)), !bug.isInModelOnly else {
                    Terminal.error(
                        "STAMPEDE_PLANTED_BUG is no bug of real processes: see Sources/PlantedBugs")
                    Glibc.exit(Failure.Code.usage.rawValue)
                }
                plantedBug = bug
            }
        #endif
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            Terminal.error(failure.sentence)
            Glibc.exit(failure.code.rawValue)
        } catch {
            // Help, a version and a completion script come this way too.
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            let mistake = UsageMistake(
                root: Stampede.self, arguments: Array(CommandLine.arguments.dropFirst()),
                message: message(for: error))
            Terminal.error(mistake.sentence)
            Glibc.exit(Failure.Code.usage.rawValue)
        }
    }
}
