import ArgumentParser
import Ledger
import Notifications
import Notifier

struct NotifyDeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "See to the messages that were given up.",
        subcommands: [List.self, Retry.self, Drop.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Show them, oldest first, with the reason. Addresses are never shown.")

        @Option(help: ArgumentHelp("At most so many. (default: 100)", valueName: "n"))
        var limit: Int?

        @OptionGroup var ledger: LedgerOptions

        @Flag(help: "Print one JSON array on one line.")
        var json = false

        func run() throws {
            let limit = try ledger.config.settings().integer(limit, "limit", in: 1...10_000, default: 100)
            let letters = try ledger.letters { letters throws(LedgerError) in try letters.list(atMost: limit)
            }
            if json { return Terminal.result(JSON.array(letters.map(\.json)).text) }
            guard !letters.isEmpty else { return Terminal.result("No dead letters.") }
            var table = Table([
                ("EVENT", .left), ("CHANNEL", .left), ("OCCASION", .left), ("ORDER", .left),
                ("BUYER", .right),
                ("TRIES", .right), ("SINCE", .left), ("REASON", .left),
            ])
            for letter in letters {
                table.add([
                    letter.event, letter.channel, letter.occasion, letter.order, "\(letter.buyer)",
                    "\(letter.tries)", letter.since.text(offset: .utc), letter.reason,
                ])
            }
            Terminal.result(table.text)
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry", abstract: "Have them sent again, as if they were new.")

        @OptionGroup var which: Which

        func run() throws { try which.change(.retry, "due again") }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop", abstract: "End them for good: they are not sent.")

        @OptionGroup var which: Which

        func run() throws { try which.change(.drop, "dropped") }
    }

    struct Which: ParsableArguments {
        @Argument(help: "The event's id, as `list` shows it.")
        var event: String?

        @Flag(help: "Those of all events.")
        var all = false

        @OptionGroup var ledger: LedgerOptions

        func change(_ change: DeadLetters.Change, _ word: String) throws {
            guard (event == nil) == all else {
                throw Failure(
                    .usage, "name an event, as `stampede notify dead-letters list` shows it, or give --all")
            }
            let event = event
            let count = try ledger.letters { letters throws(LedgerError) in
                try letters.change(change, event: event)
            }
            guard count > 0 || all else {
                throw Failure(
                    .refused,
                    "there is no such dead letter of ‘\(event ?? "")’: `stampede notify dead-letters list` shows all"
                )
            }
            Terminal.result("\(count.counted("dead letter")) \(word).")
        }
    }
}

extension LedgerOptions {
    fileprivate func letters<Value>(
        _ body: (DeadLetters) throws(LedgerError) -> Value
    ) throws(Failure) -> Value {
        let letters = DeadLetters(ledger: try dsn())
        do throws(LedgerError) {
            return try body(letters)
        } catch {
            throw Failure(error)
        }
    }
}

extension DeadLetter {
    fileprivate var json: JSON {
        .object([
            ("event", .string(event)), ("channel", .string(channel)), ("occasion", .string(occasion)),
            ("order", .string(order)), ("sale", .integer(sale)), ("buyer", .integer(buyer)),
            ("tries", .integer(tries)), ("since", .string(since.text(offset: .utc))),
            ("reason", .string(reason)),
        ])
    }
}
