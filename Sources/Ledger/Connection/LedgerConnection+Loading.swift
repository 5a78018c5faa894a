public import Sales

extension LedgerConnection {
    /// Reads a partition's entries in order of their sequence, for rebuilding its book.
    ///
    /// The sequence has no gaps, so the next chunk can be asked for before this one has come: the server then
    /// works while the book is being built. A thousand entries take about a millisecond of the loop.
    ///
    /// - Parameters:
    ///   - sequence: the last one already known, 0 for none.
    ///   - limit: how many at most, above zero.
    public func loadEntries(
        of partition: Partition, after sequence: Int64, limit: Int,
        _ completion: @escaping (Result<[Entry], LedgerError>) -> Void
    ) {
        precondition(limit > 0, "a chunk of \(limit) entries never ends")
        send(Statements.load) {
            $0.append(partition.rawValue)
            $0.append(sequence)
            $0.append(Int64(limit))
        } _: { answer in
            completion(answer.map { rows throws(LedgerError) in try rows.entries(of: partition) })
        }
    }
}

extension Rows {
    fileprivate func entries(of partition: Partition) throws(LedgerError) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        for row in 0..<count { entries.append(try entry(row, partition)) }
        return entries
    }

    /// Reads the columns of the statement `load`.
    func entry(_ row: Int, _ partition: Partition) throws(LedgerError) -> Entry {
        let sequence: Int64 = integer(row, 0)
        let rawKind: Int16 = integer(row, 7)
        guard let kind = Entry.Kind(rawValue: rawKind) else {
            throw LedgerError(
                .schema,
                "entry \(partition)-\(sequence) has the unknown kind \(rawKind); run a newer stampede")
        }
        var terms: SaleTerms?
        if !isNull(row, 9) {
            // The first byte is the version of jsonb's binary format.
            terms = withBytes(row, 9) {
                SaleTerms(document: UnsafeRawBufferPointer(rebasing: $0.dropFirst()))
            }
            guard terms != nil else {
                throw LedgerError(
                    .schema, "entry \(partition)-\(sequence) has unreadable terms; run a newer stampede")
            }
        }
        var note: EntryNote?
        if !isNull(row, 11) {
            note = withBytes(row, 11) {
                EntryNote(document: UnsafeRawBufferPointer(rebasing: $0.dropFirst()))
            }
            guard note != nil else {
                throw LedgerError(
                    .schema, "entry \(partition)-\(sequence) has an unreadable note; run a newer stampede")
            }
        }
        return Entry(
            kind: kind, sequence: sequence, sale: SaleID(rawValue: integer(row, 1)),
            lane: Lane(rawValue: integer(row, 8)), buyer: BuyerID(rawValue: integer(row, 2)),
            key: RequestKey(rawValue: integer(row, 5)), quantity: integer(row, 6), amount: integer(row, 3),
            at: LedgerTime(rawValue: integer(row, 4)), about: integer(row, 10), terms: terms, note: note)
    }
}
