import ArgumentParser
import Ledger
import Sales

struct RelayDeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Show events that a webhook refused for good; have them sent again.",
        subcommands: [RelayDeadLettersList.self, RelayDeadLettersRetry.self])
}

struct RelayDeadLettersList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show them.")

    @Option(help: ArgumentHelp("Only those of this sink.", valueName: "name"))
    var sink: String?

    @Option(help: ArgumentHelp("How many at most. (default: 100)", valueName: "number"))
    var limit: Int?

    @OptionGroup var place: SomeLedger

    @Flag(help: "Print one JSON object on one line, with the events.")
    var json = false

    func run() throws {
        let settings = try place.settings()
        let limit = try settings.integer(limit, "limit", in: 1...10_000, default: 100)
        let dsn = try place.dsn(settings)
        do throws(LedgerError) {
            let letters = try RelayLedger(dsn: dsn).deadLetters(of: sink, limit: limit)
            Terminal.result(json ? Self.json(letters).text : Self.text(letters))
        } catch {
            throw Failure(error)
        }
    }

    private static func event(_ letter: RelayDeadLetter) -> String {
        "\(letter.partition)-\(letter.sequence)"
    }

    private static func text(_ letters: [BuriedLetter]) -> String {
        guard !letters.isEmpty else { return "No event is a dead letter." }
        var table = Table([
            ("SINK", .left), ("EVENT", .left), ("ABOUT", .left), ("ATTEMPTS", .right), ("SINCE", .left),
            ("REASON", .left),
        ])
        for letter in letters {
            table.add([
                letter.sink, event(letter.letter), letter.letter.subject, "\(letter.letter.attempts)",
                letter.failedAt.text, letter.letter.reason,
            ])
        }
        return table.text
    }

    private static func json(_ letters: [BuriedLetter]) -> JSON {
        .object([
            (
                "dead_letters",
                .array(
                    letters.map { letter in
                        .object([
                            ("sink", .string(letter.sink)), ("id", .string(event(letter.letter))),
                            ("subject", .string(letter.letter.subject)),
                            ("attempts", .integer(letter.letter.attempts)),
                            ("since", .string(letter.failedAt.text)),
                            ("reason", .string(letter.letter.reason)),
                            ("event", .string(letter.letter.event)),
                        ])
                    })
            )
        ])
    }
}

struct RelayDeadLettersRetry: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Have them sent once more, by the relay that tells the sink.",
        discussion: "What is taken leaves the list; what is refused again stays in it.")

    @Option(help: ArgumentHelp("Those of this sink.", valueName: "name"))
    var sink: String

    @Option(help: ArgumentHelp("Only this one, by its id such as 3-4711.", valueName: "id"))
    var event: String?

    @Flag(help: "All of the sink's.")
    var all = false

    @OptionGroup var place: SomeLedger

    func run() throws {
        guard all != (event != nil) else {
            throw Failure(.usage, "say which: --event ID for one, or --all")
        }
        let id = try event.map { text throws(Failure) in
            guard let id = OrderID(text) else {
                throw Failure(.usage, "‘\(text)’ is no event's id: write partition-sequence, as in 3-4711")
            }
            return id
        }
        let dsn = try place.dsn(try place.settings())
        let count: Int
        do throws(LedgerError) {
            count = try RelayLedger(dsn: dsn).retry(sink, id)
        } catch {
            throw Failure(error)
        }
        guard count > 0 else {
            throw Failure(
                .refused,
                "\(sink) has no such dead letter: `stampede relay dead-letters list` shows those that there are"
            )
        }
        Terminal.result("Asked for \(count.counted("event")); the relay sends them within some seconds.")
    }
}
