public import Digests
public import Sales

/// The batches that were committed together: a tree over their headers, so that one signature holds for all of them.
///
/// A signature takes some 50 microseconds. A worker with many partitions commits a batch of each at a time.
public struct TransactionTree {
    private let digests: [Digest]
    public let root: Digest

    static let magic = Array("stampede/seals/1".utf8)

    /// - Parameter digests: of the batches' headers, in order of their partition; not empty.
    public init(_ digests: [Digest]) {
        guard let root = MerkleTree.root(of: digests) else {
            preconditionFailure("a transaction needs a batch")
        }
        self.digests = digests
        self.root = root
    }

    /// The digests beside the way from the batch of that place to the root.
    public func path(to place: Int) -> [Digest] { MerkleTree.path(to: place, of: digests) }

    /// What is signed: 52 bytes.
    public var message: [UInt8] { TransactionTree.message(root: root, size: digests.count) }

    public static func message(root: Digest, size: Int) -> [UInt8] {
        var bytes = magic
        bytes.append(number: UInt32(truncatingIfNeeded: size))
        bytes.append(contentsOf: root.bytes)
        return bytes
    }
}

/// Who vouches for a transaction.
public struct TransactionSignature: Hashable, Sendable {
    public let signature: Signature
    public let key: KeyID

    public init(signature: Signature, key: KeyID) {
        self.signature = signature
        self.key = key
    }
}
