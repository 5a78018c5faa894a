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
            var options = options
            options.deadline = nil
            let state = try await client.waitForUnits(
                sale: sale, buyer: buyer, quantity: quantity, key: key, options: options
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
