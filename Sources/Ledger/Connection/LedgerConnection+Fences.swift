public import Sales

extension LedgerConnection {
    /// Takes the partition's next fence, which shuts out whoever held the last one, and reads where it stands.
    ///
    /// A session of another worker that has held the row for longer than the lock timeout is ended: a paused
    /// owner must not block its successor. Tries at most 20 times.
    public func takeFence(
        _ partition: Partition, _ completion: @escaping (Result<Ownership, LedgerError>) -> Void
    ) {
        changeFences(Statements.take, attemptsLeft: Self.fenceAttempts, killing: ([partition.rawValue], nil))
        {
            $0.append(partition.rawValue)
        } _: { result in
            completion(
                result.flatMap { owned in
                    if let first = owned.first { return .success(first) }
                    return .failure(
                        LedgerError(
                            .schema,
                            "the ledger has no partition \(partition); check how many it was made with"))
                })
        }
    }

    /// Takes the next fence of those partitions whose fence is still the given one. The others are not ours any
    /// more and are missing from the result.
    ///
    /// Waits for a transaction of the old fence that may still run (and ends it if it holds a row longer than
    /// the lock timeout), so that `batch` and `last` are final: no transaction of the old fence can follow.
    public func renewFences(
        _ held: [(partition: Partition, fence: Fence)],
        _ completion: @escaping (Result<[Ownership], LedgerError>) -> Void
    ) {
        let partitions = held.map(\.partition.rawValue)
        let fences = held.map(\.fence.rawValue)
        changeFences(Statements.renew, attemptsLeft: Self.fenceAttempts, killing: (partitions, fences)) {
            $0.appendArray(.int2, partitions)
            $0.appendArray(.int8, fences)
        } _: {
            completion($0)
        }
    }

    /// Reads the fences of some partitions, and the ledger's clock: the proof that an owner still is one.
    ///
    /// Fails with `SQLState.readOnly`, and ends the connection, where nothing may be written any more: another server may
    /// have newer fences by now.
    public func checkFences(
        _ partitions: [Partition],
        _ completion: @escaping (Result<(fences: [Ownership], clock: LedgerTime), LedgerError>) -> Void
    ) {
        send(Statements.check) {
            $0.appendArray(.int2, partitions.map(\.rawValue))
        } _: { [self] answer in
            let result = answer.map { rows throws(LedgerError) in
                // The server has no reason to refuse this as it would a commit: it only reads.
                guard !rows.boolean(0, 5) else { throw readOnly }
                let fences = (0..<rows.count).filter { !rows.isNull($0, 0) }.map { rows.ownership($0) }
                return (fences: fences, clock: LedgerTime(rawValue: rows.integer(0, 4)))
            }
            completion(result)
            if case .failure(let error) = result, error.sqlState == .readOnly { channel?.abandon(error) }
        }
    }

    private var readOnly: LedgerError {
        LedgerError(
            .server,
            "the ledger at \(channel?.address ?? "nowhere") lets nobody write any more; try the next host",
            sqlState: .readOnly)
    }

    private func changeFences(
        _ statement: String, attemptsLeft: Int, killing rows: (partitions: [Int16], fences: [Int64]?),
        _ encode: @escaping (Arguments) -> Void,
        _ completion: @escaping (Result<[Ownership], LedgerError>) -> Void
    ) {
        let isRetry = attemptsLeft < Self.fenceAttempts
        send(statement, goesOn: isRetry, encode) { [self] answer in
            let result = answer.map { rows in (0..<rows.count).map { rows.ownership($0, digest: 4) } }
            guard case .failure(let error) = result, error.sqlState == .lockNotAvailable, attemptsLeft > 1
            else {
                return completion(result)
            }
            send(Statements.terminate, goesOn: true) {
                $0.appendArray(.int2, rows.partitions)
                if let fences = rows.fences { $0.appendArray(.int8, fences) } else { $0.appendNull() }
            } _: { [self] answer in
                if case .failure(let error) = answer.map({ _ in }) { return completion(.failure(error)) }
                changeFences(
                    statement, attemptsLeft: attemptsLeft - 1, killing: rows, encode, completion)
            }
        }
    }
}

extension Rows {
    /// Reads partition, fence, batch, last, and the digest if it stands in some column.
    fileprivate func ownership(_ row: Int, digest column: Int32? = nil) -> Ownership {
        Ownership(
            partition: Partition(rawValue: integer(row, 0)), fence: Fence(rawValue: integer(row, 1)),
            batch: integer(row, 2), last: integer(row, 3),
            digest: column.flatMap { isNull(row, $0) ? nil : digest(row, $0) })
    }
}
