import ArgumentParser
import Client
import Sales

struct OrderCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Give an order up that is not paid, for its buyer.")

    @Argument(help: "The order's id, as in 12-4711.")
    var order: String

    @Option(parsing: .unconditional, help: "The buyer's number.")
    var buyer: String

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (id, buyer, json) = (try OrderID.parse(order), try BuyerID.parse(buyer), calling.json)
        try calling.run { client, options in
            let order = try await client.cancelOrder(id, buyer: buyer, options: options)
            Terminal.result(json ? order.json.text : order.text)
        }
    }
}

struct OrderRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End an order, paid or not; what was paid goes back.",
        discussion: "Asks back on a terminal; elsewhere --confirm has to repeat the order's id.")

    @Argument(help: "The order's id, as in 12-4711.")
    var order: String

    @OptionGroup var changing: ChangingOptions

    func run() throws {
        let (id, note) = (try OrderID.parse(order), try changing.note())
        let (json, dryRun) = (changing.calling.json, changing.dryRun)
        if !dryRun { try changing.check(severe: "Revoking order \(id)", about: "\(id)") }
        try changing.calling.run(CallContext(isRead: dryRun)) { client, options in
            let order =
                dryRun
                ? try await client.order(id, options: options)
                : try await client.revokeOrder(id, actor: note.actor, reason: note.reason, options: options)
            if dryRun, !json {
                Terminal.result("Would: end the order, which is \(order.state.rawValue). Nothing was done.")
            } else {
                Terminal.result(json ? order.json.text : order.text)
            }
        }
    }
}
