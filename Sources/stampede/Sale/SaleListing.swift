import ArgumentParser
import Client
import Methods
import Sales

struct SaleListing: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all sales.")

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let json = calling.json
        try calling.run(CallContext(isRead: true)) { client, options in
            let statuses = await client.brokerStatus(options: options)
            // Every broker knows the same number; without any, the call below says what is wrong.
            let count = statuses.compactMap { try? $0.status.get().partitions.count }.max() ?? 0
            let list = try await client.sales(partitions: max(1, count), options: options)
            Terminal.result(json ? SaleListing.json(list) : SaleListing.text(list))
        }
    }

    private static func json(_ list: SaleList) -> String {
        JSON.object([("sales", .array(list.sales.map(\.json))), ("cut", .bool(list.isCut))]).text
    }

    private static func text(_ list: SaleList) -> String {
        var table = Table([
            ("SALE", .right), ("NAME", .left), ("STATE", .left), ("LEFT", .right), ("ADDED", .right),
            ("ORDERS", .right), ("PRICE", .right), ("OPENS", .left),
        ])
        for sale in list.sales {
            table.add([
                "\(sale.id)", sale.terms.name, sale.state.rawValue, sale.left.grouped, sale.added.grouped,
                sale.orders.grouped, Money.text(sale.terms.price, currency: sale.terms.currency),
                sale.terms.opensAt.text,
            ])
        }
        let note = "\nOnly the newest \(SaleList.maximum) sales of a partition are shown."
        return table.text + (list.isCut ? note : "")
    }
}
