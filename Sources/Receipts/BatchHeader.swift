import Digests
public import Sales

/// What a batch is, whose it was, and what came before it: 126 bytes that say, by their digest, the whole history of a
/// partition up to here.
public struct BatchHeader: Hashable, Sendable {
    public var incarnation: Incarnation
    public var partition: Partition
    public var fence: Fence
    public var batch: Int64
    /// Sequences of its entries.
    public var first: Int64
    public var last: Int64
    /// Digest of the header before; zero for the first that there is.
    public var previous: Digest
    public var root: Digest

    /// The first bytes: no entry's leaf begins like this.
    static let magic = Array("stampede/batch/1".utf8)
    public static let size = 126

    public init(
        incarnation: Incarnation, partition: Partition, fence: Fence, batch: Int64, first: Int64, last: Int64,
        previous: Digest, root: Digest
    ) {
        self.incarnation = incarnation
        self.partition = partition
        self.fence = fence
        self.batch = batch
        self.first = first
        self.last = last
        self.previous = previous
        self.root = root
    }

    public var bytes: [UInt8] {
        var bytes = BatchHeader.magic
        bytes.reserveCapacity(BatchHeader.size)
        bytes.append(number: incarnation.systemIdentifier)
        bytes.append(number: incarnation.timeline)
        bytes.append(number: partition.rawValue)
        bytes.append(number: fence.rawValue)
        bytes.append(number: batch)
        bytes.append(number: first)
        bytes.append(number: last)
        bytes.append(contentsOf: previous.bytes)
        bytes.append(contentsOf: root.bytes)
        return bytes
    }

    /// Reads what `bytes` writes, or returns nil.
    public init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let magic = reader.take(BatchHeader.magic.count), magic.elementsEqual(BatchHeader.magic),
            let system = reader.number(UInt64.self), let timeline = reader.number(UInt32.self),
            let partition = reader.number(Int16.self), let fence = reader.number(Int64.self),
            let batch = reader.number(Int64.self), let first = reader.number(Int64.self),
            let last = reader.number(Int64.self), let previous = reader.digest(), let root = reader.digest(),
            reader.isAtEnd
        else { return nil }
        self.init(
            incarnation: Incarnation(systemIdentifier: system, timeline: timeline),
            partition: Partition(rawValue: partition), fence: Fence(rawValue: fence), batch: batch,
            first: first,
            last: last, previous: previous, root: root)
    }

    /// What the next batch names it by, and its leaf in the tree of its transaction.
    public var digest: Digest { SHA256.hash(MerkleTree.leafPrefix, bytes.span) }

    /// How many entries; zero or less for what no batch can be.
    public var count: Int {
        let (difference, overflow) = last.subtractingReportingOverflow(first)
        return overflow || difference == .max ? 0 : Int(difference) + 1
    }
}

extension Batch {
    /// Computes the seal: the entries are final from here on.
    ///
    /// - Parameter previous: digest of the partition's batch before, zero for none.
    /// - Precondition: it has entries.
    public mutating func seal(after previous: Digest, in incarnation: Incarnation) {
        seal = makeSeal(previous, incarnation)
    }

    private func makeSeal(_ previous: Digest, _ incarnation: Incarnation) -> Seal {
        var writer = LeafWriter()
        var tree = MerkleTree.Accumulator()
        // Borrowed in place: copying an entry would retain its terms.
        let entries = self.entries.span
        for index in 0..<entries.count { tree.append(writer.digest(entries[index], of: partition)) }
        guard let root = tree.root else { preconditionFailure("batch \(number) of \(partition) is empty") }
        let header = BatchHeader(
            incarnation: incarnation, partition: partition, fence: fence, batch: number,
            first: entries[0].sequence, last: entries[entries.count - 1].sequence, previous: previous,
            root: root)
        return Seal(incarnation: incarnation, previous: previous, root: root, digest: header.digest)
    }
}
