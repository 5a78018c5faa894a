import ArgumentParser
import Client
import Methods
import Sales
import ZeroMQ

struct OrderReceiptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "Get the proof of what was decided about an order.",
        discussion: """
            Prints a receipt, or writes it to a file: one entry of the ledger, and what ties it to a signature. Anybody \
            can check it without a connection:

              stampede order receipt 12-4711 --out order.json
              stampede audit --receipt order.json --public-key receipts.pub
            """)

    @Argument(help: "The order's id, as in 12-4711.")
    var order: String

    @Option(
        help: ArgumentHelp(
            "The sequence of an entry about the order. (default: the one that placed it)",
            valueName: "sequence"))
    var entry: Int64?

    @Option(help: ArgumentHelp("Write it to this new file.", valueName: "file"))
    var out: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let id = try OrderID.parse(order)
        if let entry, entry < 1 {
            throw Failure(.usage, "--entry is \(entry): give the sequence of an entry, from 1 on")
        }
        let (entry, out) = (entry, out)
        try calling.run(CallContext(isRead: true)) { client, options in
            let found = try await client.receipt(for: id, entry: entry, options: options)
            guard let file = ReceiptFile(found) else {
                throw Failure(
                    .refused, "the receipt is of a newer version than this stampede knows: use a newer one")
            }
            guard let out else { return Terminal.result(file.text) }
            do throws(SecurityError) {
                try SecretFile.create(out, what: "receipt", mode: 0o644, content: file.text + "\n")
            } catch {
                throw Failure(.refused, error.message)
            }
            Terminal.message(
                file.signature == nil
                    ? "Wrote \(out). It is not signed, because the worker has no --receipt-key: it proves nothing to others."
                    : "Wrote \(out)")
        }
    }
}
