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

    @OptionGroup var wanted: WishOptions
    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (wish, json) = (try wanted.wish(), calling.json)
        let context = CallContext(
            sale: wish.sale, settle: calling.cluster.settleCommand(wish.sale, wish.buyer, wish.key))
        try calling.run(context) { client, options in
            let order = try await client.placeOrder(
                sale: wish.sale, buyer: wish.buyer, quantity: wish.quantity, key: wish.key,
                options: options)
            Terminal.result(json ? order.json.text : order.text)
        }
    }
}
