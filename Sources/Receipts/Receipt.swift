public import Digests
public import Sales

/// Proof that one entry was decided at one place of the ledger. Needs nobody's word but that of the public key.
public struct Receipt: Hashable, Sendable {
    /// The bytes of the entry, as `LeafWriter` writes them.
    public var leaf: [UInt8]
    /// From the entry to the root of its batch.
    public var path: [Digest]
    public var header: BatchHeader
    /// Where the batch stands among those that were committed with it, from zero, and how many they are.
    public var place: Int
    public var size: Int
    /// From the batch to the root of its transaction.
    public var siblings: [Digest]
    /// Nil when the worker that decided had no key.
    public var signature: TransactionSignature?

    public init(
        leaf: [UInt8], path: [Digest], header: BatchHeader, place: Int, size: Int, siblings: [Digest],
        signature: TransactionSignature?
    ) {
        self.leaf = leaf
        self.path = path
        self.header = header
        self.place = place
        self.size = size
        self.siblings = siblings
        self.signature = signature
    }

    /// Checks everything that the receipt claims, and returns the entry that it proves.
    ///
    /// - Parameter keys: those that are trusted; the receipt names the one that signed.
    public func check(trusting keys: [PublicKey]) throws(ReceiptFlaw) -> Leaf {
        guard let leaf = Leaf(leaf) else { throw .unreadable }
        guard leaf.partition == header.partition else {
            throw .otherPartition(entry: leaf.partition, batch: header.partition)
        }
        let sequence = leaf.entry.sequence
        guard header.first >= 1, header.batch >= 1, header.count > 0,
            header.first <= sequence, sequence <= header.last
        else { throw .otherBatch(sequence: sequence, first: header.first, last: header.last) }
        let digest = SHA256.hash(MerkleTree.leafPrefix, self.leaf.span)
        let index = Int(sequence - header.first)
        guard MerkleTree.root(from: digest, at: index, of: header.count, along: path) == header.root else {
            throw .notInBatch
        }
        guard size <= UInt32.max,
            let root = MerkleTree.root(from: header.digest, at: place, of: size, along: siblings)
        else { throw .notInTransaction }
        guard let signature else { throw .unsigned }
        guard let key = keys.first(where: { $0.id == signature.key }) else {
            throw .unknownKey(signature.key)
        }
        let message = TransactionTree.message(root: root, size: size)
        guard key.verifies(signature.signature, of: message) else { throw .badSignature(signature.key) }
        return leaf
    }
}

/// Why a receipt proves nothing.
public enum ReceiptFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable
    case otherPartition(entry: Partition, batch: Partition)
    case otherBatch(sequence: Int64, first: Int64, last: Int64)
    case notInBatch
    case notInTransaction
    case unsigned
    case unknownKey(KeyID)
    case badSignature(KeyID)

    public var description: String {
        switch self {
        case .unreadable:
            "its entry is none that this stampede knows: it was changed, or is of a newer version"
        case .otherPartition(let entry, let batch):
            "its entry is of partition \(entry), its batch of partition \(batch)"
        case .otherBatch(let sequence, let first, let last):
            "its entry has the sequence \(sequence), its batch those from \(first) to \(last)"
        case .notInBatch:
            "its entry is not in the batch: the path does not lead to the batch's root, so the entry, the path or "
                + "the root was changed"
        case .notInTransaction:
            "its batch is not in the transaction: the path beside it has another length than its place asks for"
        case .unsigned: "it is not signed: the worker that decided had no key for receipts"
        case .unknownKey(let key):
            "it is signed with the key \(key), which is not among those that are trusted"
        case .badSignature(let key):
            "its signature is not that of the key \(key) over this batch: the batch or the signature was changed"
        }
    }
}
