import ArgumentParser
import Client
import Methods
import Sales

struct OrderWatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show an order whenever it changes, until Ctrl-C.")

    @Argument(help: "The order's id, as in 12-4711.")
    var order: String

    @Option(
        name: .customLong("from"),
        help: ArgumentHelp("The version that is known: only newer ones are shown.", valueName: "version"))
    var version: Int32 = 0

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let id = try OrderID.parse(order)
        guard version >= 0 else {
            throw Failure(.usage, "‘\(version)’ is not a version: give a whole number from 0 on")
        }
        let (json, version) = (calling.json, version)
        try calling.run(CallContext(isRead: true)) { client, options in
            var options = options
            options.deadline = nil
            try await client.followOrder(id, after: version, options: options) { update in
                let order = update.order
                if json {
                    Terminal.result(
                        JSON.object([("order", order.json), ("missed", .integer(update.missed))]).text)
                } else {
                    let until = order.until.map { ", until \($0.text)" } ?? ""
                    let missed = update.missed > 0 ? ", \(update.missed) changes before it not shown" : ""
                    Terminal.result("\(order.version)  \(order.state.rawValue)\(until)\(missed)")
                }
                return true
            }
        }
    }
}
