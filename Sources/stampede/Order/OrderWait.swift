import ArgumentParser
import Client
import Methods
import Sales

struct OrderWait: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait for units that come back, in order of arrival.",
        discussion: """
            Prints how many come first, and at last the order that holds the units: it expires unless it is paid in \
            time. The place is the request key's, and is kept when this command ends: come back with the same key, or \
            give it up with `stampede order settle`.
            """)

    @OptionGroup var wanted: WishOptions
    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (wish, json) = (try wanted.wish(), calling.json)
        let context = CallContext(
            sale: wish.sale, settle: calling.cluster.settleCommand(wish.sale, wish.buyer, wish.key))
        try calling.run(context) { client, options in
            var options = options
            options.deadline = nil
            let state = try await client.waitForUnits(
                sale: wish.sale, buyer: wish.buyer, quantity: wish.quantity, key: wish.key,
                options: options
            ) { ahead, waiting in
                Terminal.result(
                    json
                        ? WaitState.waiting(ahead: ahead, of: waiting).json.text
                        : "\(ahead.grouped) before you, \(waiting.grouped) waiting")
            }
            switch state {
            case .offered(let order): Terminal.result(json ? state.json.text : order.text)
            case .waiting, .ended:
                if json { Terminal.result(state.json.text) }
                throw Failure(.refused, "the wait is over without an order: \(state.sentence)")
            }
        }
    }
}

extension WaitState {
    var json: JSON {
        switch self {
        case .waiting(let ahead, let waiting):
            .object([
                ("state", .string("waiting")), ("ahead", .integer(ahead)), ("waiting", .integer(waiting)),
            ])
        case .offered(let order): .object([("state", .string("offered")), ("order", order.json)])
        case .ended(let end): .object([("state", .string("ended")), ("end", .string(end.rawValue))])
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .ended(.saleClosed): "the sale closed"
        case .ended(.ranOut): "nothing came back within \(Bounds.patience / 3_600) hours"
        case .ended(.overLimit): "when its turn came, the buyer held as much as the sale allows"
        case .ended(.givenUp): "its key was settled"
        case .waiting, .offered: "it goes on"
        }
    }
}
