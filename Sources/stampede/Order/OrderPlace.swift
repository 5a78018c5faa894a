import ArgumentParser
import Client
import Sales

struct OrderPlace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "place", abstract: "Place an order.",
        discussion: """
            The request key makes repeating safe: the same key never leads to a second order. A random one is \
            printed before the request is sent, so that it can be settled whatever happens.
            """)

    @Option(parsing: .unconditional, help: "The sale's number.")
    var sale: String

    @Option(parsing: .unconditional, help: "The buyer's number, above zero.")
    var buyer: String

    @Option(parsing: .unconditional, help: "Units to buy.")
    var quantity = "1"

    @Option(
        parsing: .unconditional,
        help: "The request key, a UUID or up to 32 hexadecimal digits. (default: a random one)")
    var key: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (sale, buyer) = (try SaleID.parse(sale), try BuyerID.parse(buyer))
        guard let quantity = Int32(quantity), quantity > 0 else {
            throw Failure(
                .usage, "‘\(quantity)’ is not a quantity that can be sold: give a whole number from 1 on")
        }
        let key = try self.key.map { try RequestKey(text: $0) } ?? .random()
        if self.key == nil { Terminal.message("Request key \(key.text)") }
        let json = calling.json
        let context = CallContext(sale: sale, settle: calling.cluster.settleCommand(sale, buyer, key))
        try calling.run(context) { client, options in
            let order = try await client.placeOrder(
                sale: sale, buyer: buyer, quantity: quantity, key: key, options: options)
            Terminal.result(json ? order.json.text : order.text)
        }
    }
}
