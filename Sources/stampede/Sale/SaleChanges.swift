import ArgumentParser
import Client
import Glibc
import Sales

struct SaleOpen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a sale now, whatever its window says.")

    @Argument(help: "The sale's number.")
    var sale: String

    @OptionGroup var changing: ChangingOptions

    func run() throws { try changing.change(sale, .open) }
}

struct SaleClose: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close a sale now.",
        discussion: "Asks back on a terminal; elsewhere --confirm has to repeat the sale's number.")

    @Argument(help: "The sale's number.")
    var sale: String

    @OptionGroup var changing: ChangingOptions

    func run() throws { try changing.change(sale, .close, isSevere: true) }
}

struct SaleAddUnits: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-units", abstract: "Add units to a sale.")

    @Argument(help: "The sale's number.")
    var sale: String

    @Argument(help: "Units to add.")
    var units: String

    @OptionGroup var changing: ChangingOptions

    func run() throws { try changing.change(sale, .addUnits(try SaleCreate.units(units))) }
}

struct SaleWithdrawUnits: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw-units", abstract: "Take units that are left off sale.",
        discussion: "Asks back on a terminal; elsewhere --confirm has to repeat the sale's number.")

    @Argument(help: "The sale's number.")
    var sale: String

    @Argument(help: "Units to withdraw; no more than are left.")
    var units: String

    @OptionGroup var changing: ChangingOptions

    func run() throws {
        try changing.change(sale, .withdrawUnits(try SaleCreate.units(units)), isSevere: true)
    }
}

struct SalePause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Sell nothing for the time being; what is ordered stands.")

    @Argument(help: "The sale's number.")
    var sale: String

    @OptionGroup var changing: ChangingOptions

    func run() throws { try changing.change(sale, .pause) }
}

struct SaleResume: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Sell on after a pause.")

    @Argument(help: "The sale's number.")
    var sale: String

    @OptionGroup var changing: ChangingOptions

    func run() throws { try changing.change(sale, .resume) }
}

struct SaleLimit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit", abstract: "Change how many units a buyer may hold; who holds more keeps them.")

    @Argument(help: "The sale's number.")
    var sale: String

    @Argument(help: "Units per buyer.")
    var limit: String

    @OptionGroup var changing: ChangingOptions

    func run() throws {
        guard let number = Int32(limit), 1...Bounds.quantity ~= number else {
            throw Failure(.usage, "‘\(limit)’ is not a limit: give a number from 1 to \(Bounds.quantity)")
        }
        try changing.change(sale, .limit(number))
    }
}

/// Who wants a change, why, and how sure he is.
struct ChangingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why, for the ledger. (default: by hand)", valueName: "text"))
    var reason: String?

    @Option(help: ArgumentHelp("Who wants it, for the ledger. (default: your login name)", valueName: "name"))
    var actor: String?

    @Flag(help: "Only say what would change.")
    var dryRun = false

    @Option(
        help: ArgumentHelp("Repeats the number, for severe changes without a terminal.", valueName: "number"))
    var confirm: String?

    @OptionGroup var calling: CallingOptions

    func note() throws(Failure) -> ChangeSale.Note {
        let note = ChangeSale.Note(actor: actor ?? Login.name, reason: reason ?? "by hand")
        for (name, text) in [("actor", note.actor), ("reason", note.reason)]
        where text.isEmpty || text.utf8.count > EntryNote.longest
            || text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        {
            throw Failure(
                .usage,
                "--\(name) has to have 1 to \(EntryNote.longest) bytes without line breaks, for the ledger")
        }
        return note
    }

    /// Asks back before what cannot be undone, unless `--confirm` repeats what it is about.
    func check(severe what: String, about name: String) throws(Failure) {
        if let confirm {
            guard confirm == name else {
                throw Failure(.usage, "--confirm \(confirm) does not repeat \(name): nothing was done")
            }
            return
        }
        guard isatty(STDIN_FILENO) == 1, Terminal.isErrorTTY else {
            throw Failure(.usage, "\(what) is not easily undone: add --confirm \(name)")
        }
        Terminal.write("\(what)? Type \(name) to go on: ", to: STDERR_FILENO)
        guard readLine() == name else { throw Failure(.refused, "that is not \(name): nothing was done") }
    }

    fileprivate func change(_ sale: String, _ change: ChangeSale.Change, isSevere: Bool = false) throws {
        let id = try SaleID.parse(sale)
        let note = try note()
        let (json, dryRun) = (calling.json, dryRun)
        if isSevere, !dryRun { try check(severe: "\(change.title) of sale \(id)", about: "\(id)") }
        try calling.run(CallContext(sale: id, isRead: dryRun)) { client, options in
            guard dryRun else {
                let changed = try await client.changeSale(id, change, note: note, options: options)
                return changed.show(asJSON: json)
            }
            let sale = try await client.sale(id, options: options)
            let outcome = change.preview(of: sale)
            if json {
                Terminal.result(
                    JSON.object([
                        ("sale", .integer(id.rawValue)), ("dry_run", .string(outcome)),
                    ]).text)
            } else {
                Terminal.result("Would: \(outcome). Nothing was done.")
            }
        }
    }
}

extension ChangeSale.Change {
    fileprivate var title: String {
        switch self {
        case .open: "Opening"
        case .close: "Closing"
        case .addUnits(let units): "Adding \(units.grouped) units"
        case .withdrawUnits(let units): "Withdrawing \(units.grouped) units"
        case .pause: "Pausing"
        case .resume: "Resuming"
        case .limit(let limit): "Limiting buyers to \(limit.grouped) units"
        }
    }

    /// What the change would do, as the sale stands now.
    func preview(of sale: Sale) -> String {
        switch self {
        case .open:
            sale.state == .open ? "leave the sale open" : "open the sale, which is \(sale.state.rawValue)"
        case .close:
            "close the sale with \(sale.left.grouped) units left and \(sale.held.grouped) in unpaid orders"
        case .addUnits(let units):
            "raise the units left from \(sale.left.grouped) to \((sale.left + Int64(units)).grouped)"
        case .withdrawUnits(let units):
            Int64(units) > sale.left
                ? "be refused: only \(sale.left.grouped) units are left"
                : "lower the units left from \(sale.left.grouped) to \((sale.left - Int64(units)).grouped)"
        case .pause: "sell nothing until `stampede sale resume \(sale.id)`"
        case .resume: sale.state == .paused ? "sell on" : "change nothing: the sale is \(sale.state.rawValue)"
        case .limit(let limit): "change the limit from \(sale.terms.limit) to \(limit) units per buyer"
        }
    }
}

/// The user that runs this.
enum Login {
    /// His name, or his number where the system knows no name.
    static var name: String {
        guard let entry = unsafe getpwuid(getuid()) else { return "uid \(getuid())" }
        return unsafe String(cString: entry.pointee.pw_name)
    }
}
