import Sales

extension Arguments {
    /// The sixteen arguments of `stampede.commit`.
    ///
    /// - Precondition: partitions ascend, and each batch's entries have consecutive sequences.
    func append(_ batches: [Batch]) {
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
        appendTerms(batches)
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
    private func appendTerms(_ batches: [Batch]) {
        guard batches.contains(where: { $0.entries.contains { $0.terms != nil } }) else {
            return appendNull()
        }
        appendDocuments(batches.flatMap { $0.entries.map { $0.terms?.document } })
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
