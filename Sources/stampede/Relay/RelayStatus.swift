import ArgumentParser
import Ledger
import Relay
import Sales

struct RelayStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how far each sink is behind the ledger.")

    @OptionGroup var place: SomeLedger

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    func run() throws {
        let dsn = try place.dsn(try place.settings())
        do throws(LedgerError) {
            let sinks = try RelayLedger(dsn: dsn).status()
            Terminal.result(json ? RelayStatus.json(sinks).text : RelayStatus.text(sinks))
        } catch {
            throw Failure(error)
        }
    }

    static func json(_ sinks: [RelaySinkStatus]) -> JSON {
        .object([
            (
                "sinks",
                .array(
                    sinks.map { sink in
                        .object([
                            ("sink", .string(sink.sink)), ("target", .string(sink.target)),
                            ("running", .bool(isRunning(sink))), ("lag", .integer(sink.lag)),
                            ("lag_seconds", .decimal(Double(sink.lagMicroseconds) / 1_000_000)),
                            ("taken", .integer(sink.taken)), ("dead_letters", .integer(sink.deadLetters)),
                            ("beyond", .array(sink.beyond.map { .integer($0.rawValue) })),
                            ("trouble", .string(sink.trouble)),
                        ])
                    })
            )
        ])
    }

    /// Longer than any pause between two signs of life of a relay that is not stuck in a call to its sink.
    private static let silence: Int64 = 15_000_000

    private static func isRunning(_ sink: RelaySinkStatus) -> Bool { sink.silentMicroseconds < silence }

    static func text(_ sinks: [RelaySinkStatus]) -> String {
        guard !sinks.isEmpty else { return "No relay ever ran: start one with `stampede relay --sink …`." }
        var table = Table([
            ("SINK", .left), ("STATE", .left), ("LAG", .right), ("BEHIND", .right), ("TAKEN", .right),
            ("DEAD", .right), ("TARGET", .left),
        ])
        var lines: [String] = []
        for sink in sinks {
            let state =
                !sink.beyond.isEmpty
                ? "diverged" : !isRunning(sink) ? "silent" : sink.trouble == nil ? "telling" : "trouble"
            table.add([
                sink.sink, state, sink.lag.grouped,
                "\((Double(sink.lagMicroseconds) / 1_000_000).fixed(1))s", sink.taken.grouped,
                sink.deadLetters.grouped, sink.target,
            ])
            if let trouble = sink.trouble { lines.append("\(sink.sink): \(trouble)") }
            if !sink.beyond.isEmpty {
                let partitions = Ranges.text(sink.beyond.map { Int($0.rawValue) })
                lines.append(
                    "\(sink.sink) was told more of the partitions \(partitions) than the ledger has: it is another ledger,"
                        + " so tell it again with `stampede relay replay`.")
            }
        }
        return ([table.text] + lines).joined(separator: "\n")
    }
}
