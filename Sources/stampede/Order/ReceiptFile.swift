import Client
import Digests
import FoundationEssentials
import Methods
import Receipts
import Sales
import ZeroMQ

/// A receipt as JSON, for people to read and for `stampede audit --receipt`. docs/receipts.md tells every field.
///
/// It holds the fields of entry and batch, not the bytes that are hashed: whoever checks it makes those from the fields,
/// so that no field can say anything else than what is proved.
struct ReceiptFile: Codable, Equatable {
    static let version = 1

    /// The version of this form.
    var form: Int
    var entry: Entry
    /// Hexadecimal digests, lowest first.
    var path: [String]
    var batch: Batch
    var transaction: Transaction
    /// Left out when nobody signed.
    var signature: Signature?

    private enum CodingKeys: String, CodingKey {
        case form = "stampede_receipt"
        case entry, path, batch, transaction, signature
    }

    struct Entry: Codable, Equatable {
        var partition: Int16
        var sequence: Int64
        var kind: Int16
        var lane: Int16
        var sale: Int64
        var buyer: Int64
        /// A UUID.
        var key: String
        var quantity: Int32
        var amount: Int64
        /// Microseconds since 1970, as all times.
        var at: Int64
        var about: Int64
        var terms: Terms?
        var note: Note?
    }

    struct Terms: Codable, Equatable {
        var name: String
        var price: Int64
        var currency: String
        var limit: Int32
        var opens: Int64
        var closes: Int64?
        var hold: Int32?
        var payment: Int32
        var paused: Bool
    }

    struct Note: Codable, Equatable {
        var actor: String
        var reason: String
    }

    struct Batch: Codable, Equatable {
        /// A number of 64 bits, which JSON's readers often do not keep: as text.
        var system: String
        var timeline: UInt32
        var partition: Int16
        var fence: Int64
        var batch: Int64
        var first: Int64
        var last: Int64
        var previous: String
        var root: String
    }

    struct Transaction: Codable, Equatable {
        var place: Int
        var size: Int
        var siblings: [String]
    }

    struct Signature: Codable, Equatable {
        var key: String
        var bytes: String
    }

    // MARK: Text

    /// Reads a file's content.
    init(_ text: String) throws(ReceiptFlaw) {
        guard let file = try? JSONDecoder().decode(ReceiptFile.self, from: Data(text.utf8)),
            file.form == ReceiptFile.version
        else { throw .unreadable }
        self = file
    }

    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let data = try? encoder.encode(self) else {
            preconditionFailure("strings and integers always have a JSON form")
        }
        return String(decoding: data, as: UTF8.self)
    }

    // MARK: Conversion

    /// What an owner answered; nil if it is no receipt that this version knows.
    init?(_ answer: OrderReceipt) {
        guard let receipt = Receipt(answer) else { return nil }
        self.init(receipt)
    }

    /// Nil if its entry is none that this version knows.
    init?(_ receipt: Receipt) {
        guard let leaf = Leaf(receipt.leaf) else { return nil }
        form = ReceiptFile.version
        entry = Entry(leaf)
        path = receipt.path.map(\.description)
        batch = Batch(receipt.header)
        transaction = Transaction(
            place: receipt.place, size: receipt.size, siblings: receipt.siblings.map(\.description))
        signature = receipt.signature.map {
            Signature(key: $0.key.description, bytes: Hexadecimal.text($0.signature.bytes))
        }
    }

    /// The receipt that the fields make.
    func receipt() throws(ReceiptFlaw) -> Receipt {
        guard let leaf = entry.leaf, let header = batch.header, let path = ReceiptFile.digests(path),
            let siblings = ReceiptFile.digests(transaction.siblings)
        else { throw .unreadable }
        var signed: TransactionSignature?
        if let signature {
            guard let key = KeyID(signature.key),
                let bytes = Hexadecimal.bytes(signature.bytes).flatMap({ Digests.Signature(bytes: $0) })
            else { throw .unreadable }
            signed = TransactionSignature(signature: bytes, key: key)
        }
        return Receipt(
            leaf: leaf.bytes, path: path, header: header, place: transaction.place, size: transaction.size,
            siblings: siblings, signature: signed)
    }

    private static func digests(_ texts: [String]) -> [Digest]? {
        let digests = texts.compactMap { Hexadecimal.bytes($0).flatMap { Digest($0) } }
        return digests.count == texts.count ? digests : nil
    }
}

extension ReceiptFile.Entry {
    fileprivate init(_ leaf: Leaf) {
        let entry = leaf.entry
        self.init(
            partition: leaf.partition.rawValue, sequence: entry.sequence, kind: entry.kind.rawValue,
            lane: entry.lane.rawValue, sale: entry.sale.rawValue, buyer: entry.buyer.rawValue,
            key: entry.key.text,
            quantity: entry.quantity, amount: entry.amount, at: entry.at.rawValue, about: entry.about,
            terms: entry.terms.map { terms in
                ReceiptFile.Terms(
                    name: terms.name, price: terms.price, currency: terms.currency, limit: terms.limit,
                    opens: terms.opensAt.rawValue, closes: terms.closesAt?.rawValue, hold: terms.hold,
                    payment: terms.payment, paused: terms.isPaused)
            },
            note: entry.note.map { ReceiptFile.Note(actor: $0.actor, reason: $0.reason) })
    }

    fileprivate var leaf: Leaf? {
        guard let kind = Sales.Entry.Kind(rawValue: kind),
            let key = UInt128(key.filter { $0 != "-" }, radix: 16)
        else { return nil }
        return Leaf(
            partition: Partition(rawValue: partition),
            entry: Sales.Entry(
                kind: kind, sequence: sequence, sale: SaleID(rawValue: sale), lane: Lane(rawValue: lane),
                buyer: BuyerID(rawValue: buyer), key: RequestKey(rawValue: key), quantity: quantity,
                amount: amount, at: LedgerTime(rawValue: at), about: about,
                terms: terms.map { terms in
                    SaleTerms(
                        name: terms.name, price: terms.price, currency: terms.currency, limit: terms.limit,
                        opensAt: LedgerTime(rawValue: terms.opens),
                        closesAt: terms.closes.map(LedgerTime.init(rawValue:)), hold: terms.hold,
                        payment: terms.payment, isPaused: terms.paused)
                }, note: note.map { EntryNote(actor: $0.actor, reason: $0.reason) }))
    }
}

extension ReceiptFile.Batch {
    fileprivate init(_ header: BatchHeader) {
        self.init(
            system: String(header.incarnation.systemIdentifier), timeline: header.incarnation.timeline,
            partition: header.partition.rawValue, fence: header.fence.rawValue, batch: header.batch,
            first: header.first, last: header.last, previous: header.previous.description,
            root: header.root.description)
    }

    fileprivate var header: BatchHeader? {
        guard let system = UInt64(system), let previous = Hexadecimal.bytes(previous).flatMap({ Digest($0) }),
            let root = Hexadecimal.bytes(root).flatMap({ Digest($0) })
        else { return nil }
        return BatchHeader(
            incarnation: Incarnation(systemIdentifier: system, timeline: timeline),
            partition: Partition(rawValue: partition), fence: Fence(rawValue: fence), batch: batch,
            first: first,
            last: last, previous: previous, root: root)
    }
}
