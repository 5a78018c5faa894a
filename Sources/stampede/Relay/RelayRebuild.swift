import ArgumentParser
import Ledger
import Logging
import Relay

struct RelayRebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Fill the tables stampede.orders and stampede.buyers anew.",
        discussion: """
            Empties them and reads the ledger from its beginning, here and in any relay that runs. Whoever reads the tables \
            meanwhile finds a part of them; `stampede relay status` says how much is missing.
            """)

    @OptionGroup var place: SomeLedger
    @OptionGroup var log: LogOptions

    func run() throws {
        let settings = try place.settings()
        let logger = try log.logger("relay", settings)
        let dsn = try place.dsn(settings)
        let tables = SinkAddress(name: "tables", target: .tables)
        var configuration = Pump.Configuration(ledger: dsn, sink: tables.name, target: tables.description)
        configuration.stopsAtEnd = true
        do throws(LedgerError) {
            let ledger = try RelayLedger(dsn: dsn)
            try ledger.register(tables.name, target: tables.description)
            try ledger.clearTables(sink: tables.name)
        } catch {
            throw Failure(error)
        }
        let began = ContinuousClock.now
        let pump = Pump(configuration, stop: StopFlag(), logger: logger, seed: .random(in: .min ... .max)) {
            _ in
            TablesSink()
        }
        pump.run()
        Terminal.result("Rebuilt from \(RelayCrew.rate(pump.published, since: began)).")
    }
}
