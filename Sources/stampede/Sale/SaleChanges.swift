import ArgumentParser
import Client
import Sales

struct SaleOpen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a sale now, whatever its window says.")

    @Argument(help: "The sale's number.")
    var sale: String

    @OptionGroup var calling: CallingOptions

    func run() throws { try calling.change(sale, .open) }
}

struct SaleClose: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "close", abstract: "Close a sale now.")

    @Argument(help: "The sale's number.")
    var sale: String

    @OptionGroup var calling: CallingOptions

    func run() throws { try calling.change(sale, .close) }
}

struct SaleAddUnits: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-units", abstract: "Add units to a sale.")

    @Argument(help: "The sale's number.")
    var sale: String

    @Argument(help: "Units to add.")
    var units: String

    @OptionGroup var calling: CallingOptions

    func run() throws {
        guard let count = Int32(units), (1...Bounds.units).contains(count) else {
            throw SaleCreate.badUnits(units)
        }
        try calling.change(sale, .addUnits(count))
    }
}

extension CallingOptions {
    fileprivate func change(_ sale: String, _ change: ChangeSale.Change) throws {
        let id = try SaleID.parse(sale)
        let json = json
        try run(CallContext(sale: id)) { client, options in
            try await client.changeSale(id, change, options: options).show(asJSON: json)
        }
    }
}
