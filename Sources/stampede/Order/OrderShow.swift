import ArgumentParser
import Client
import Sales

struct OrderShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one order.")

    @Argument(help: "The order's id, as in 12-4711.")
    var order: String

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let id = try OrderID.parse(order)
        let json = calling.json
        try calling.run(CallContext(isRead: true)) { client, options in
            let order = try await client.order(id, options: options)
            Terminal.result(json ? order.json.text : order.text)
        }
    }
}
