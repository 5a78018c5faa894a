import Digests
public import Sales

/// The Merkle tree of RFC 9162, section 2.1: a zero byte before what a leaf hashes and a one before what a node hashes, so
/// that neither can pass for the other; the left subtree is the largest full one.
public enum MerkleTree {
    public static let leafPrefix: UInt8 = 0
    public static let nodePrefix: UInt8 = 1
    /// No path is longer: there are fewer than 2⁶³ leaves.
    public static let longestPath = 63

    @inline(__always)
    static func node(_ left: Digest, _ right: Digest) -> Digest { SHA256.hash(nodePrefix, left, right) }

    /// Adds leaf after leaf, and keeps a digest per full subtree: 13 of them for 4,096 leaves.
    public struct Accumulator {
        private var subtrees: [Digest] = []
        public private(set) var count = 0

        public init() { subtrees.reserveCapacity(16) }

        @inline(__always)
        public mutating func append(_ leaf: Digest) {
            count += 1
            var digest = leaf
            // As many full pairs end here as there are zeros at the end of the new count.
            for _ in 0..<count.trailingZeroBitCount {
                digest = MerkleTree.node(subtrees.removeLast(), digest)
            }
            subtrees.append(digest)
        }

        /// Nil while there is no leaf.
        public var root: Digest? {
            guard var digest = subtrees.last else { return nil }
            for subtree in subtrees.dropLast().reversed() { digest = MerkleTree.node(subtree, digest) }
            return digest
        }
    }

    /// The root over some leaves; nil for none.
    public static func root(of leaves: [Digest]) -> Digest? {
        var accumulator = Accumulator()
        for leaf in leaves { accumulator.append(leaf) }
        return accumulator.root
    }

    /// The digests beside the way from a leaf to the root, lowest first.
    ///
    /// - Precondition: there is a leaf of that index.
    public static func path(to index: Int, of leaves: [Digest]) -> [Digest] {
        precondition(leaves.indices.contains(index), "a tree of \(leaves.count) leaves has no leaf \(index)")
        var path: [Digest] = []
        var level = leaves
        var place = index
        while level.count > 1 {
            // A last one without a partner goes up as it is.
            if level.indices.contains(place ^ 1) { path.append(level[place ^ 1]) }
            level = stride(from: 0, to: level.count, by: 2).map { left in
                left + 1 < level.count ? node(level[left], level[left + 1]) : level[left]
            }
            place /= 2
        }
        return path
    }

    /// Where a path leads from a leaf (RFC 9162, 2.1.3.2); nil if there is no such leaf, or its path has another length.
    public static func root(from leaf: Digest, at index: Int, of count: Int, along path: [Digest]) -> Digest?
    {
        guard index >= 0, index < count else { return nil }
        var (place, last, digest) = (index, count - 1, leaf)
        for sibling in path {
            guard last > 0 else { return nil }
            if place & 1 == 1 || place == last {
                digest = node(sibling, digest)
                while place & 1 == 0, place != 0 { (place, last) = (place >> 1, last >> 1) }
            } else {
                digest = node(digest, sibling)
            }
            (place, last) = (place >> 1, last >> 1)
        }
        return last == 0 ? digest : nil
    }
}
