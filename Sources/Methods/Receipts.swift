public import Sales
public import Wire

/// Asks for proof that an order was placed, or of what happened to it.
public struct GetReceipt: Hashable, Sendable {
    public var order: OrderID
    /// The sequence of an entry about the order; nil for the one that placed it.
    public var entry: Int64?

    public init(order: OrderID, entry: Int64? = nil) {
        self.order = order
        self.entry = entry
    }
}

/// The proof, as bytes that can be hashed as they are; docs/receipts.md says what they mean and how to check them.
public struct OrderReceipt: Hashable, Sendable {
    /// The entry.
    public var leaf: [UInt8]
    /// Digests from the entry to the root of its batch, 32 bytes each, lowest first.
    public var path: [UInt8]
    /// The header of the batch.
    public var header: [UInt8]
    /// Where the batch stands among those that were committed with it, from zero, and how many they are.
    public var place: Int64
    public var size: Int64
    /// Digests from the header to the root of the transaction, 32 bytes each, lowest first.
    public var siblings: [UInt8]
    /// Nil when the worker that decided had no key: then nobody but the ledger vouches for it.
    public var signature: Signature?

    public struct Signature: Hashable, Sendable {
        /// The first eight bytes of the public key's SHA-256.
        public var key: [UInt8]
        /// Ed25519.
        public var bytes: [UInt8]

        public init(key: [UInt8], bytes: [UInt8]) {
            self.key = key
            self.bytes = bytes
        }
    }

    /// Bytes of a path: no tree of a batch is higher than 63.
    public static let longestPath = 63 * 32
    /// Bytes of a leaf: one that has terms and a note is some 800 at most.
    public static let longestLeaf = 4_096
    public static let headerSize = 126

    public init(
        leaf: [UInt8], path: [UInt8], header: [UInt8], place: Int64, size: Int64, siblings: [UInt8],
        signature: Signature?
    ) {
        self.leaf = leaf
        self.path = path
        self.header = header
        self.place = place
        self.size = size
        self.siblings = siblings
        self.signature = signature
    }
}

extension GetReceipt: Routed {
    public var route: Route { Route(order.partition, isRead: true) }
}

extension GetReceipt: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var order: OrderID?
        var entry: Int64?
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.order: order = try OrderID(decoding: bytes, at: &offset)
            case Field.entry: entry = try bytes.readInteger(at: &offset, as: Int64.self, field: "entry")
            default: return false
            }
            return true
        }
        self.init(order: try order.orMissing("order", offset), entry: entry)
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(entry == nil ? 1 : 2)
        writer.string("order")
        order.encode(into: &writer)
        if let entry {
            writer.string("entry")
            writer.integer(entry)
        }
    }
}

extension OrderReceipt: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var (leaf, path, header, siblings): ([UInt8]?, [UInt8]?, [UInt8]?, [UInt8]?)
        var (place, size): (Int64, Int64) = (0, 1)
        var (key, signature): ([UInt8]?, [UInt8]?)
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            switch name {
            case Field.leaf:
                leaf = try bytes.readBinary(at: &offset, maximum: OrderReceipt.longestLeaf, field: "leaf")
            case Field.path:
                path = try bytes.readBinary(at: &offset, maximum: OrderReceipt.longestPath, field: "path")
            case Field.header:
                header = try bytes.readBinary(at: &offset, maximum: OrderReceipt.headerSize, field: "header")
            case Field.place: place = try bytes.readInteger(at: &offset, as: Int64.self, field: "place")
            case Field.size: size = try bytes.readInteger(at: &offset, as: Int64.self, field: "size")
            case Field.siblings:
                siblings = try bytes.readBinary(
                    at: &offset, maximum: OrderReceipt.longestPath, field: "siblings")
            case Field.signer: key = try bytes.readBinary(at: &offset, maximum: 8, field: "signer")
            case Field.signature:
                signature = try bytes.readBinary(at: &offset, maximum: 64, field: "signature")
            default: return false
            }
            return true
        }
        if (key == nil) != (signature == nil) {
            throw WireError(.missingField, at: offset, field: key == nil ? "signer" : "signature")
        }
        self.init(
            leaf: try leaf.orMissing("leaf", offset), path: try path.orMissing("path", offset),
            header: try header.orMissing("header", offset), place: place, size: size,
            siblings: try siblings.orMissing("siblings", offset),
            signature: key.flatMap { key in signature.map { Signature(key: key, bytes: $0) } })
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(signature == nil ? 6 : 8)
        writer.string("leaf")
        writer.binary(leaf)
        writer.string("path")
        writer.binary(path)
        writer.string("header")
        writer.binary(header)
        writer.string("place")
        writer.integer(place)
        writer.string("size")
        writer.integer(size)
        writer.string("siblings")
        writer.binary(siblings)
        guard let signature else { return }
        writer.string("signer")
        writer.binary(signature.key)
        writer.string("signature")
        writer.binary(signature.bytes)
    }
}
