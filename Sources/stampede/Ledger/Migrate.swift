import ArgumentParser
import Ledger

struct Migrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring a ledger's schema up to this program.")

    @Option(
        help: "Into how many partitions a new ledger divides its work; fixed from then on. (default: 64)")
    var partitions: Int?

    @OptionGroup var ledger: LedgerOptions

    func run() throws {
        let settings = try ledger.config.settings()
        let dsn = try settings.required(try settings.string(ledger.ledger, "ledger"), "ledger")
        let count = try settings.integer(partitions, "partitions")
        do throws(LedgerError) {
            let report = try Migrator(dsn: dsn).migrate(partitions: count)
            let applied = report.applied.isEmpty ? "nothing to apply" : report.applied.joined(separator: ", ")
            Terminal.result("Schema \(report.version), \(report.partitions) partitions: \(applied)")
        } catch {
            throw Failure(error)
        }
    }
}
