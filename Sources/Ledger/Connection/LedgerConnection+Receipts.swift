import Digests
public import Receipts
public import Sales

/// The seal of a batch as it stands in the ledger, with what it speaks of.
public struct SealedBatch: Hashable, Sendable {
    public var header: BatchHeader
    /// Among the batches of its transaction, from zero, and how many they are.
    public var place: Int
    public var size: Int
    public var siblings: [Digest]
    public var signature: TransactionSignature?

    /// The receipt for one of its entries.
    ///
    /// - Parameter entries: those of the batch, all and in order.
    /// - Returns: nil when the entries are not those of the batch, or the sequence is none of theirs.
    public func receipt(for sequence: Int64, of entries: [Entry]) -> Receipt? {
        guard header.first <= sequence, sequence <= header.last, entries.count == header.count,
            entries.first?.sequence == header.first
        else { return nil }
        var writer = LeafWriter()
        let leaves = entries.map { writer.digest($0, of: header.partition) }
        guard MerkleTree.root(of: leaves) == header.root else { return nil }
        let index = Int(sequence - header.first)
        return Receipt(
            leaf: writer.leaf(entries[index], of: header.partition),
            path: MerkleTree.path(to: index, of: leaves),
            header: header, place: place, size: size, siblings: siblings, signature: signature)
    }
}

extension LedgerConnection {
    /// The seal of the batch in which an entry was written. Nil if there is no such entry, or its batch is from before
    /// there were seals.
    public func seal(
        of sequence: Int64, in partition: Partition,
        _ completion: @escaping (Result<SealedBatch?, LedgerError>) -> Void
    ) {
        send(Statements.sealOf) {
            $0.append(partition.rawValue)
            $0.append(sequence)
        } _: { answer in
            completion(
                answer.map { rows throws(LedgerError) in
                    guard rows.count > 0 else { return nil }
                    guard let sealed = rows.sealedBatch(0, partition) else {
                        throw LedgerError(
                            .schema,
                            "the seal of entry \(partition)-\(sequence) is unreadable; run `stampede audit`")
                    }
                    return sealed.header.first <= sequence ? sealed : nil
                })
        }
    }
}

extension Rows {
    /// Reads system, timeline, fence, batch, first, last, place, size, previous, root, siblings, signature, key.
    func sealedBatch(_ row: Int, _ partition: Partition) -> SealedBatch? {
        let system: Int64 = integer(row, 0)
        let timeline: Int64 = integer(row, 1)
        let (place, size): (Int16, Int16) = (integer(row, 6), integer(row, 7))
        guard let previous = digest(row, 8), let root = digest(row, 9) else { return nil }
        let bytes = self.bytes(row, 10)
        let siblings = stride(from: 0, to: bytes.count, by: Digest.size).compactMap {
            Digest(bytes[$0..<min(bytes.count, $0 + Digest.size)])
        }
        var signature: TransactionSignature?
        if !isNull(row, 11), !isNull(row, 12), let found = Signature(bytes: self.bytes(row, 11)),
            let key = KeyID(bytes: self.bytes(row, 12))
        {
            signature = TransactionSignature(signature: found, key: key)
        }
        return SealedBatch(
            header: BatchHeader(
                incarnation: Incarnation(
                    systemIdentifier: UInt64(bitPattern: system),
                    timeline: UInt32(truncatingIfNeeded: timeline)),
                partition: partition, fence: Fence(rawValue: integer(row, 2)), batch: integer(row, 3),
                first: integer(row, 4), last: integer(row, 5), previous: previous, root: root),
            place: Int(place), size: Int(size), siblings: siblings, signature: signature)
    }
}
