import ArgumentParser
import Client
import Methods
import Sales

struct OrderListing: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List a sale's orders, or export them.",
        discussion: """
            Orders come in the order of their placing, page by page, each as it is when its page is read. CSV is that of \
            RFC 4180 with a line of names; JSON is one array, an order per line.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json
    }

    @Option(parsing: .unconditional, help: "The sale's number.")
    var sale: String

    @Option(parsing: .unconditional, help: "Only this buyer's orders.")
    var buyer: String?

    @Option(
        help: ArgumentHelp(
            "Only orders that are in this state now: \(Order.State.allCases.map(\.rawValue).joined(separator: ", "))."
        ))
    var state: String?

    @Option(help: "table, csv or json.")
    var format = Format.table

    @Option(name: .customLong("out"), help: ArgumentHelp("Write to this file.", valueName: "file"))
    var file: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let sale = try SaleID.parse(sale)
        let buyer = try self.buyer.map { try BuyerID.parse($0) }
        let state = try self.state.map { text in
            guard let state = Order.State(rawValue: text) else {
                throw Failure(
                    .usage,
                    "‘\(text)’ is not a state of an order: give one of "
                        + Order.State.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return state
        }
        let format = calling.json ? .json : format
        let output = try file.map { try ExportFile($0) }
        let write: @Sendable (String) throws -> Void = { text in
            guard let output else { return Terminal.write(text, to: 1) }
            try output.write(text)
        }
        try calling.run(CallContext(sale: sale, isRead: true)) { client, options in
            try write(format.head)
            var (cursor, count): (Int64?, Int) = (0, 0)
            while let after = cursor {
                let page = try await client.orders(
                    of: sale, buyer: buyer, state: state, after: after, options: options)
                var text = ""
                for order in page.orders {
                    text += format.row(order, isFirst: count == 0)
                    count += 1
                }
                if !text.isEmpty { try write(text) }
                cursor = page.next
            }
            try write(format.tail(isEmpty: count == 0))
        }
        try output?.finish()
    }
}

extension OrderListing.Format {
    private static let columns: [(name: String, width: Int)] = [
        ("ORDER", 14), ("STATE", 10), ("BUYER", 12), ("UNITS", 6), ("AMOUNT", 16), ("PLACED", 28),
        ("UNTIL", 28),
    ]

    fileprivate var head: String {
        switch self {
        case .table: OrderListing.Format.line(OrderListing.Format.columns.map(\.name))
        case .csv:
            "order,sale,buyer,quantity,amount_minor,currency,state,version,placed,until,key,attempt\r\n"
        case .json: "["
        }
    }

    fileprivate func row(_ order: Order, isFirst: Bool) -> String {
        switch self {
        case .table:
            OrderListing.Format.line([
                "\(order.id)", order.state.rawValue, "\(order.buyer)", "\(order.quantity)",
                Money.text(order.amount, currency: order.currency), order.placedAt.text,
                order.until?.text ?? "",
            ])
        // None of these holds a comma or a quotation mark.
        case .csv:
            [
                "\(order.id)", "\(order.sale)", "\(order.buyer)", "\(order.quantity)", "\(order.amount)",
                order.currency, order.state.rawValue, "\(order.version)", order.placedAt.text,
                order.until?.text ?? "", order.key.text, order.attempt?.text ?? "",
            ].joined(separator: ",") + "\r\n"
        case .json: (isFirst ? "\n" : ",\n") + order.json.text
        }
    }

    fileprivate func tail(isEmpty: Bool) -> String {
        switch self {
        case .table, .csv: ""
        case .json: isEmpty ? "]\n" : "\n]\n"
        }
    }

    /// Columns of a fixed width: pages are written before the next ones are known.
    private static func line(_ cells: [String]) -> String {
        var line = ""
        for (cell, column) in zip(cells, columns) {
            line += cell + String(repeating: " ", count: max(2, column.width - cell.count))
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }
}
