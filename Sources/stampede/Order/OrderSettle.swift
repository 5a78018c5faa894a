import ArgumentParser
import Client
import Sales

struct OrderSettle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle", abstract: "End an unknown outcome for good.",
        discussion: """
            Prints the order that the request key led to. If there is none, makes sure that there never will \
            be one, and says so.
            """)

    @Option(parsing: .unconditional, help: "The sale's number.")
    var sale: String

    @Option(parsing: .unconditional, help: "The buyer's number.")
    var buyer: String

    @Option(parsing: .unconditional, help: "The request key of the order.")
    var key: String

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (sale, buyer) = (try SaleID.parse(sale), try BuyerID.parse(buyer))
        let key = try RequestKey(text: key)
        let json = calling.json
        let context = CallContext(sale: sale, settle: calling.cluster.settleCommand(sale, buyer, key))
        try calling.run(context) { client, options in
            switch try await client.settleOrder(sale: sale, buyer: buyer, key: key, options: options) {
            case .placed(let order):
                let members: [(String, JSON)] = [("outcome", .string("placed")), ("order", order.json)]
                Terminal.result(json ? JSON.object(members).text : order.text)
            case .voided:
                let members: [(String, JSON)] = [("outcome", .string("voided")), ("key", .string(key.text))]
                let sentence = "There is no order with this key, and there never will be one."
                Terminal.result(json ? JSON.object(members).text : sentence)
            }
        }
    }
}
