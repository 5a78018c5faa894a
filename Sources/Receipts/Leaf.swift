public import Sales

/// A leaf of a batch's tree, read: which entry, of which partition.
public struct Leaf: Equatable, Sendable {
    public let partition: Partition
    public let entry: Entry

    public init(partition: Partition, entry: Entry) {
        self.partition = partition
        self.entry = entry
    }

    public var bytes: [UInt8] {
        var writer = LeafWriter()
        return writer.leaf(entry, of: partition)
    }

    /// Reads a leaf; nil for anything but the bytes that `LeafWriter` writes for some entry.
    public init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard reader.number(UInt8.self) == LeafWriter.version,
            let flags = reader.number(UInt8.self), flags & ~(LeafWriter.hasTerms | LeafWriter.hasNote) == 0,
            let partition = reader.number(Int16.self), let sequence = reader.number(Int64.self),
            let kind = reader.number(Int16.self).flatMap(Entry.Kind.init(rawValue:)),
            let lane = reader.number(Int16.self), let sale = reader.number(Int64.self),
            let buyer = reader.number(Int64.self), let key = reader.number(UInt128.self),
            let quantity = reader.number(Int32.self), let amount = reader.number(Int64.self),
            let at = reader.number(Int64.self), let about = reader.number(Int64.self)
        else { return nil }
        var entry = Entry(
            kind: kind, sequence: sequence, sale: SaleID(rawValue: sale), lane: Lane(rawValue: lane),
            buyer: BuyerID(rawValue: buyer), key: RequestKey(rawValue: key), quantity: quantity,
            amount: amount,
            at: LedgerTime(rawValue: at), about: about)
        if flags & LeafWriter.hasTerms != 0 {
            guard let terms = reader.terms() else { return nil }
            entry.terms = terms
        }
        if flags & LeafWriter.hasNote != 0 {
            guard let actor = reader.text(), let reason = reader.text() else { return nil }
            entry.note = EntryNote(actor: actor, reason: reason)
        }
        self.init(partition: Partition(rawValue: partition), entry: entry)
        // One entry has one form: text that is no UTF-8, or a flag of 2 for true, would be another.
        guard reader.isAtEnd, self.bytes == bytes else { return nil }
    }
}

extension ByteReader {
    fileprivate mutating func terms() -> SaleTerms? {
        guard let name = text(), let price = number(Int64.self), let currency = text(),
            let limit = number(Int32.self), let opens = number(Int64.self), let closes = optional(Int64.self),
            let hold = optional(Int32.self), let payment = number(Int32.self), let paused = number(UInt8.self)
        else { return nil }
        return SaleTerms(
            name: name, price: price, currency: currency, limit: limit, opensAt: LedgerTime(rawValue: opens),
            closesAt: closes.map(LedgerTime.init(rawValue:)), hold: hold, payment: payment,
            isPaused: paused != 0)
    }
}

/// Reads big-endian numbers and texts; nil where the bytes end too early.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func number<I: FixedWidthInteger>(_: I.Type) -> I? {
        guard let bytes = take(I.bitWidth / 8) else { return nil }
        return bytes.reduce(0) { $0 << 8 | I(truncatingIfNeeded: $1) }
    }

    /// The inner nil is a number that is said not to be there.
    mutating func optional<I: FixedWidthInteger>(_: I.Type) -> I?? {
        switch number(UInt8.self) {
        case 0: .some(nil)
        case 1: number(I.self).map { .some($0) }
        default: nil
        }
    }

    mutating func text() -> String? {
        guard let count = number(UInt32.self), let bytes = take(Int(count)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func digest() -> Digest? { take(Digest.size).flatMap { Digest($0) } }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= bytes.count - offset else { return nil }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }
}
