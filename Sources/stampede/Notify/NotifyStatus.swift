import ArgumentParser
import Ledger
import Notifications
import Notifier

struct NotifyStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how many messages wait, for how long, and how many were given up.")

    @OptionGroup var ledger: LedgerOptions

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    func run() throws {
        let letters = try DeadLetters(ledger: ledger.dsn())
        do throws(LedgerError) {
            let summary = try letters.summary()
            Terminal.result(json ? summary.json.text : summary.text)
        } catch {
            throw Failure(error)
        }
    }
}

extension DeadLetters.Summary {
    fileprivate var json: JSON {
        .object(
            channels.map { due in
                (
                    due.channel.rawValue,
                    .object([
                        ("due", .integer(due.due)), ("oldest_ms", .integer(due.oldestMilliseconds)),
                    ])
                )
            } + [("waiting_for_contact", .integer(waiting)), ("dead_letters", .integer(dead))])
    }

    fileprivate var text: String {
        var table = Table([("CHANNEL", .left), ("DUE", .right), ("OLDEST", .right)])
        for due in channels {
            table.add([
                due.channel.rawValue, due.due.grouped,
                due.due == 0 ? "-" : "\((Double(due.oldestMilliseconds) / 1_000).fixed(1)) s",
            ])
        }
        return table.text
            + "\n\(waiting.counted("event")) waiting for a contact, \(dead.counted("dead letter"))"
    }
}

extension LedgerOptions {
    func dsn() throws(Failure) -> String {
        let settings = try config.settings()
        return try settings.required(try settings.string(ledger, "ledger"), "ledger")
    }
}
