import ArgumentParser
import Sales

struct SaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sale", abstract: "Create, watch and change sales.",
        subcommands: [
            SaleCreate.self, SaleListing.self, SaleShow.self, SaleWatch.self, SaleOpen.self, SaleClose.self,
            SaleAddUnits.self, SaleWithdrawUnits.self, SalePause.self, SaleResume.self, SaleLimit.self,
        ])
}

extension SaleID {
    /// Reads a sale's number as typed.
    static func parse(_ text: String) throws(Failure) -> SaleID {
        guard let value = Int64(text), value > 0 else {
            throw Failure(
                .usage,
                "‘\(text)’ is not a sale's number: give one above zero, as `stampede sale list` shows them")
        }
        return SaleID(rawValue: value)
    }
}

extension Sale {
    var json: JSON {
        .object([
            ("sale", .integer(id.rawValue)), ("name", .string(terms.name)),
            ("state", .string(state.rawValue)), ("price_minor", .integer(terms.price)),
            ("currency", .string(terms.currency)), ("added", .integer(added)), ("left", .integer(left)),
            ("held", .integer(held)), ("waiting", .integer(waiting)),
            ("orders", .integer(orders)), ("limit", .integer(terms.limit)),
            ("hold_seconds", terms.hold.map { .integer($0) } ?? .null),
            ("payment_seconds", .integer(terms.payment)),
            ("opens", .string(terms.opensAt.text)), ("closes", .string(terms.closesAt?.text)),
            ("partition", .integer(partition.rawValue)),
        ])
    }

    /// For people, a fact per line.
    var text: String {
        """
        \(id)  \(terms.name)
          state      \(state.rawValue)
          price      \(Money.text(terms.price, currency: terms.currency)), at most \(terms.limit) per buyer
          units      \((added - left).grouped) of \(added.grouped) sold in \(orders.counted("order"))
          left       \(left.grouped), and \(held.grouped) in orders that are not paid yet; \(waiting.grouped) wait
          hold       \(terms.hold.map { "\($0)s, then the order expires" } ?? "for ever"); \(terms.payment)s to pay
          window     \(terms.opensAt.text) to \(terms.closesAt?.text ?? "closed by hand")
          partition  \(partition)
        """
    }

    func show(asJSON: Bool) { Terminal.result(asJSON ? json.text : text) }
}
