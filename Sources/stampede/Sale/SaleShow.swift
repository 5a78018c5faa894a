import ArgumentParser
import Client
import Sales

struct SaleShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one sale.")

    @Argument(help: "The sale's number.")
    var sale: String

    @Flag(name: .shortAndLong, help: "Show it again every second, until Ctrl-C.")
    var watch = false

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let id = try SaleID.parse(sale)
        let (json, watch) = (calling.json, watch)
        try calling.run(CallContext(sale: id, isRead: true)) { client, options in
            while true {
                let sale = try await client.sale(id, options: options)
                if watch && !json { Terminal.clear() }
                sale.show(asJSON: json)
                guard watch else { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }
}
