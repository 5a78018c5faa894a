import Digests
public import Sales

/// Writes entries as the leaves of Merkle trees: exactly these bytes are hashed, whoever does it. docs/receipts.md has
/// the layout.
///
/// It holds what a worker has decided, and nothing that the ledger adds: not when the batch was written.
public struct LeafWriter {
    /// First byte of every leaf. Another layout gets another.
    public static let version: UInt8 = 1
    /// Bytes of a leaf without terms and note.
    public static let fixedSize = 76
    static let hasTerms: UInt8 = 1
    static let hasNote: UInt8 = 2

    /// Used again and again, so that a leaf of the usual size allocates nothing.
    private var bytes = [UInt8](repeating: 0, count: LeafWriter.fixedSize)

    public init() {}

    /// The bytes of a leaf.
    public mutating func leaf(_ entry: borrowing Entry, of partition: Partition) -> [UInt8] {
        write(entry, partition)
        return bytes
    }

    /// The digest of a leaf: SHA-256 of a zero byte and its bytes.
    @inline(__always)
    public mutating func digest(_ entry: borrowing Entry, of partition: Partition) -> Digest {
        write(entry, partition)
        return SHA256.hash(MerkleTree.leafPrefix, bytes.span)
    }

    @inline(__always)
    private mutating func write(_ entry: borrowing Entry, _ partition: Partition) {
        let flags = (entry.terms == nil ? 0 : Self.hasTerms) | (entry.note == nil ? 0 : Self.hasNote)
        if bytes.count > Self.fixedSize { bytes.removeLast(bytes.count - Self.fixedSize) }
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe target.storeBytes(of: Self.version, toByteOffset: 0, as: UInt8.self)
            unsafe target.storeBytes(of: flags, toByteOffset: 1, as: UInt8.self)
            unsafe target.storeBytes(of: partition.rawValue.bigEndian, toByteOffset: 2, as: Int16.self)
            unsafe target.storeBytes(of: entry.sequence.bigEndian, toByteOffset: 4, as: Int64.self)
            unsafe target.storeBytes(of: entry.kind.rawValue.bigEndian, toByteOffset: 12, as: Int16.self)
            unsafe target.storeBytes(of: entry.lane.rawValue.bigEndian, toByteOffset: 14, as: Int16.self)
            unsafe target.storeBytes(of: entry.sale.rawValue.bigEndian, toByteOffset: 16, as: Int64.self)
            unsafe target.storeBytes(of: entry.buyer.rawValue.bigEndian, toByteOffset: 24, as: Int64.self)
            unsafe target.storeBytes(of: entry.key.rawValue.bigEndian, toByteOffset: 32, as: UInt128.self)
            unsafe target.storeBytes(of: entry.quantity.bigEndian, toByteOffset: 48, as: Int32.self)
            unsafe target.storeBytes(of: entry.amount.bigEndian, toByteOffset: 52, as: Int64.self)
            unsafe target.storeBytes(of: entry.at.rawValue.bigEndian, toByteOffset: 60, as: Int64.self)
            unsafe target.storeBytes(of: entry.about.bigEndian, toByteOffset: 68, as: Int64.self)
        }
        if flags != 0 { appendRest(entry.terms, entry.note) }
    }

    private mutating func appendRest(_ terms: SaleTerms?, _ note: EntryNote?) {
        if let terms {
            bytes.append(text: terms.name)
            bytes.append(number: terms.price)
            bytes.append(text: terms.currency)
            bytes.append(number: terms.limit)
            bytes.append(number: terms.opensAt.rawValue)
            bytes.append(optional: terms.closesAt?.rawValue)
            bytes.append(optional: terms.hold)
            bytes.append(number: terms.payment)
            bytes.append(terms.isPaused ? 1 : 0)
        }
        if let note {
            bytes.append(text: note.actor)
            bytes.append(text: note.reason)
        }
    }
}

extension [UInt8] {
    /// Big-endian.
    mutating func append(number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    /// One byte that says whether there is one, and the number.
    fileprivate mutating func append(optional number: (some FixedWidthInteger)?) {
        append(number == nil ? 0 : 1)
        if let number { append(number: number) }
    }

    /// Four bytes of length, and UTF-8.
    fileprivate mutating func append(text: String) {
        append(number: UInt32(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
