import ArgumentParser
import Client
import Sales

struct OrderPay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pay", abstract: "Pay for an order, for its buyer.",
        discussion: """
            Needs a running `stampede payments`. The attempt's key makes repeating safe: the same one never leads to a \
            second charge. A random one is printed before the request is sent.
            """)

    @Argument(help: "The order's id, as in 12-4711.")
    var order: String

    @Option(parsing: .unconditional, help: "The buyer's number.")
    var buyer: String

    @Option(
        parsing: .unconditional,
        help: "The means of payment, as the provider knows it; the sandbox has tok_ok, tok_declined and more."
    )
    var token: String

    @Option(
        parsing: .unconditional,
        help: "The attempt's key, a UUID or up to 32 hexadecimal digits. (default: a random one)")
    var attempt: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (id, buyer) = (try OrderID.parse(order), try BuyerID.parse(buyer))
        guard 1...PayOrder.longestToken ~= token.utf8.count else {
            throw Failure(
                .usage,
                "a token has 1 to \(PayOrder.longestToken) bytes, unlike this one of \(token.utf8.count)")
        }
        let attempt = try self.attempt.map { try RequestKey(text: $0) } ?? .random()
        if self.attempt == nil { Terminal.message("Attempt \(attempt.text)") }
        let again =
            "stampede order pay \(id) --buyer \(buyer) --token \(token) --attempt \(attempt.text)"
            + calling.cluster.options
        let (json, token) = (calling.json, token)
        try calling.run(CallContext(settle: again)) { client, options in
            let order = try await client.payOrder(
                id, buyer: buyer, token: token, attempt: attempt, options: options)
            Terminal.result(json ? order.json.text : order.text)
        }
    }
}
