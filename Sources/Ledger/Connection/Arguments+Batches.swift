import Digests
import Receipts
import Sales

extension Arguments {
    /// The arguments of `stampede.commit_sealed`.
    ///
    /// - Precondition: partitions ascend, each batch's entries have consecutive sequences, and all have seals of the
    ///   same incarnation.
    func append(_ batches: [Batch], signedBy signer: Signer?) {
        checkOrder(batches)
        appendArray(.int2, batches.lazy.map(\.partition.rawValue))
        appendArray(.int8, batches.lazy.map(\.fence.rawValue))
        appendArray(.int8, batches.lazy.map(\.number))
        appendArray(.int8, batches.lazy.map { $0.entries[0].sequence })
        appendArray(.int8, batches.lazy.map { $0.entries[$0.entries.count - 1].sequence })

        let count = batches.reduce(0) { $0 + $1.entries.count }
        appendArray(.int2, count: count) { (writer: inout ArrayWriter<Int16>) in
            for batch in batches { for _ in batch.entries { writer.write(batch.partition.rawValue) } }
        }
        appendColumn(.int8, batches, count) { $0.sequence }
        appendColumn(.int2, batches, count) { $0.kind.rawValue }
        appendColumn(.int8, batches, count) { $0.sale.rawValue }
        appendColumn(.int2, batches, count) { $0.lane.rawValue }
        appendColumn(.int8, batches, count) { $0.buyer.rawValue }
        appendColumn(.uuid, batches, count) { $0.key.rawValue }
        appendColumn(.int4, batches, count) { $0.quantity }
        appendColumn(.int8, batches, count) { $0.amount }
        appendColumn(.int8, batches, count) { $0.at.rawValue }
        appendDocuments(of: batches) { $0.terms?.document }
        appendAbouts(batches, count)
        appendDocuments(of: batches) { $0.note?.document }
        append(seals(of: batches), signer)
    }

    private func seals(of batches: [Batch]) -> [Seal] {
        batches.map { batch in
            guard let seal = batch.seal else {
                preconditionFailure("batch \(batch.number) of \(batch.partition) has no seal")
            }
            return seal
        }
    }

    private func append(_ seals: [Seal], _ signer: Signer?) {
        let tree = TransactionTree(seals.map(\.digest))
        let incarnation = seals[0].incarnation
        precondition(seals.allSatisfy { $0.incarnation == incarnation }, "batches of two incarnations")
        append(Int64(bitPattern: incarnation.systemIdentifier))
        append(Int64(incarnation.timeline))
        appendByteArrays(seals.map(\.previous.bytes))
        appendByteArrays(seals.map(\.root.bytes))
        appendByteArrays(seals.map(\.digest.bytes))
        appendByteArrays(seals.indices.map { tree.path(to: $0).flatMap(\.bytes) })
        guard let signer else {
            appendNull()
            return appendNull()
        }
        append(bytes: signer.sign(tree.message).bytes)
        append(bytes: signer.publicKey.bytes)
    }

    @inline(__always)
    private func appendColumn<I: FixedWidthInteger>(
        _ element: Element, _ batches: [Batch], _ count: Int, _ value: (borrowing Entry) -> I
    ) {
        appendArray(element, count: count) { (writer: inout ArrayWriter<I>) in
            for batch in batches {
                // Borrowed in place: copying an entry would retain its terms.
                batch.entries.withUnsafeBufferPointer { entries in
                    for index in entries.indices { writer.write(value(entries[index])) }
                }
            }
        }
    }

    /// Almost every transaction is orders only, and sends one NULL instead of a column.
    private func appendDocuments(of batches: [Batch], _ document: (borrowing Entry) -> [UInt8]?) {
        var documents: [[UInt8]?] = []
        var before = 0
        for batch in batches {
            batch.entries.withUnsafeBufferPointer { entries in
                for index in entries.indices {
                    guard let document = document(entries[index]) else { continue }
                    documents += Array(repeating: nil, count: before + index - documents.count)
                    documents.append(document)
                }
            }
            before += batch.entries.count
        }
        guard !documents.isEmpty else { return appendNull() }
        documents += Array(repeating: nil, count: before - documents.count)
        appendDocuments(documents)
    }

    private func appendAbouts(_ batches: [Batch], _ count: Int) {
        let hasAbouts = batches.contains { batch in
            batch.entries.withUnsafeBufferPointer { entries in
                entries.indices.contains { entries[$0].about != 0 }
            }
        }
        guard hasAbouts else { return appendNull() }
        appendColumn(.int8, batches, count) { $0.about }
    }

    private func checkOrder(_ batches: [Batch]) {
        var previous = Int16.min
        for batch in batches {
            precondition(batch.partition.rawValue > previous, "partition \(batch.partition) is out of order")
            previous = batch.partition.rawValue
            precondition(!batch.entries.isEmpty, "batch \(batch.number) of \(batch.partition) is empty")
            batch.entries.withUnsafeBufferPointer { entries in
                let first = entries[0].sequence
                for index in entries.indices where entries[index].sequence != first + Int64(index) {
                    preconditionFailure("partition \(batch.partition) skips a sequence after \(first)")
                }
            }
        }
    }
}
