import ArgumentParser
import Client
import Methods
import Sales

struct SaleWatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show a sale whenever it changes, until Ctrl-C.")

    @Argument(help: "The sale's number.")
    var sale: String

    @Option(
        name: .customLong("from"),
        help: ArgumentHelp(
            "The sequence of the last line that is known: tells whether something was missed since.",
            valueName: "sequence"))
    var sequence: Int64?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let id = try SaleID.parse(sale)
        let (json, sequence) = (calling.json, sequence)
        try calling.run(CallContext(sale: id, isRead: true)) { client, options in
            var options = options
            options.deadline = nil
            try await client.followSale(id, from: sequence, options: options) { update in
                Terminal.result(json ? update.json.text : update.text)
                return true
            }
        }
    }
}

extension SaleUpdate {
    fileprivate var json: JSON {
        .object([
            ("sequence", .integer(sequence)), ("missed", .bool(hasMissed)), ("rate", .integer(rate)),
            ("sale", sale.json),
        ])
    }

    fileprivate var text: String {
        "\(sequence)  \(sale.state.rawValue)  \(sale.left.grouped) left, \(sale.held.grouped) held, "
            + "\((sale.added - sale.left - sale.held).grouped) paid, \(sale.waiting.grouped) waiting, "
            + "\(rate.grouped) orders/s" + (hasMissed ? ", something was missed" : "")
    }
}
