import ArgumentParser
import Client
import Sales

/// What a buyer wants of a sale, under which key.
struct WishOptions: ParsableArguments {
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

    struct Wish: Sendable {
        let sale: SaleID
        let buyer: BuyerID
        let quantity: Int32
        let key: RequestKey
    }

    /// A random key is shown, so that the request can be settled whatever happens.
    func wish() throws -> Wish {
        let (sale, buyer) = (try SaleID.parse(sale), try BuyerID.parse(buyer))
        guard let quantity = Int32(quantity), quantity > 0 else {
            throw Failure(
                .usage, "‘\(quantity)’ is not a quantity that can be sold: give a whole number from 1 on")
        }
        let key = try self.key.map { try RequestKey(text: $0) } ?? .random()
        if self.key == nil { Terminal.message("Request key \(key.text)") }
        return Wish(sale: sale, buyer: buyer, quantity: quantity, key: key)
    }
}
