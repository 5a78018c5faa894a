import ArgumentParser
import Sales

struct OrderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order", abstract: "Place, pay, find, watch, prove, settle, cancel and revoke orders.",
        subcommands: [
            OrderPlace.self, OrderPay.self, OrderWait.self, OrderShow.self, OrderListing.self,
            OrderWatch.self, OrderReceiptCommand.self, OrderSettle.self, OrderCancel.self, OrderRevoke.self,
        ])
}

extension BuyerID {
    /// Reads a buyer's number as typed.
    static func parse(_ text: String) throws(Failure) -> BuyerID {
        guard let value = Int64(text), value > 0 else {
            throw Failure(.usage, "‘\(text)’ is not a buyer's number: give one above zero")
        }
        return BuyerID(rawValue: value)
    }
}

extension Order {
    var json: JSON {
        .object([
            ("order", .string(id.description)), ("sale", .integer(sale.rawValue)),
            ("buyer", .integer(buyer.rawValue)), ("key", .string(key.text)),
            ("quantity", .integer(quantity)), ("amount_minor", .integer(amount)),
            ("currency", .string(currency)), ("placed", .string(placedAt.text)),
            ("state", .string(state.rawValue)), ("version", .integer(version)),
            ("until", .string(until?.text)), ("attempt", .string(attempt?.text)),
        ])
    }

    /// For people, a fact per line.
    var text: String {
        """
        \(id)  \(state.rawValue)
          sale    \(sale)
          buyer   \(buyer)
          units   \(quantity)
          amount  \(Money.text(amount, currency: currency))
          key     \(key.text)
          placed  \(placedAt.text)
        """ + (until.map { "\n  until   \($0.text), unless it is paid" } ?? "")
            + (attempt.map { "\n  attempt \($0.text)" } ?? "")
    }
}

extension OrderID {
    /// Reads an order's id as typed.
    static func parse(_ text: String) throws(Failure) -> OrderID {
        guard let id = OrderID(text) else {
            throw Failure(
                .usage, "‘\(text)’ is not an order's id: write partition-sequence, as in 12-4711")
        }
        return id
    }
}

extension ClusterOptions {
    /// The command that ends an unknown outcome of this key, at the same cluster.
    func settleCommand(_ sale: SaleID, _ buyer: BuyerID, _ key: RequestKey) -> String {
        "stampede order settle --sale \(sale) --buyer \(buyer) --key \(key.text)" + options
    }

    /// As they were typed, for a command that is to reach the same cluster.
    var options: String {
        broker.map { " --broker \($0)" }.joined() + (data.map { " --data \($0)" } ?? "")
    }
}
