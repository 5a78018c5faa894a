/// A SHA-256 digest.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    public static let size = 32
    /// Stands for "nothing before": no known input has it.
    public static let zero = Digest(words: (0, 0, 0, 0))

    // Big-endian words of the bytes.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// - Parameter words: the bytes, as four big-endian numbers.
    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (first, second, third, fourth) = words
    }

    public var words: (UInt64, UInt64, UInt64, UInt64) { (first, second, third, fourth) }

    /// Nil unless there are 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.size else { return nil }
        var words = (0, 0, 0, 0) as (UInt64, UInt64, UInt64, UInt64)
        for (place, byte) in bytes.enumerated() {
            switch place / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        self.init(words: words)
    }

    public var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    /// 64 hexadecimal digits.
    public var description: String {
        [first, second, third, fourth].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// What makes a batch provable: the Merkle root of its entries, bound to its place in the partition's history.
public struct Seal: Hashable, Sendable {
    /// The life of the ledger in which the batch was decided.
    public let incarnation: Incarnation
    /// Digest of the header of the batch before; zero for the first batch that has a seal.
    public let previous: Digest
    /// Of the Merkle tree over the batch's entries.
    public let root: Digest
    /// Of the batch's own header, which says all of the above: the next batch names it, and it is what is signed.
    public let digest: Digest

    public init(incarnation: Incarnation, previous: Digest, root: Digest, digest: Digest) {
        self.incarnation = incarnation
        self.previous = previous
        self.root = root
        self.digest = digest
    }
}
