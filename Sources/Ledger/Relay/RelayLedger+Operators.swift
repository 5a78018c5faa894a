public import Sales

/// How a sink gets on.
public struct RelaySinkStatus: Hashable, Sendable {
    public let sink: String
    /// Where its events go.
    public let target: String
    /// Entries that it has not taken.
    public let lag: Int64
    /// How old the oldest of these is, by the ledger's clock, in microseconds; 0 when there is none.
    public let lagMicroseconds: Int64
    /// Entries that it has taken, or that were there before it was told to begin later.
    public let taken: Int64
    /// For how long no relay has worked on it, in microseconds.
    public let silentMicroseconds: Int64
    public let trouble: String?
    public let deadLetters: Int64
    /// Partitions of which it has taken more than there is: the ledger is another one.
    public let beyond: [Partition]
}

/// An event that waits for an operator.
public struct BuriedLetter: Hashable, Sendable {
    public let sink: String
    public let letter: RelayDeadLetter
    public let failedAt: LedgerTime
}

extension RelayLedger {
    public func status() throws(LedgerError) -> [RelaySinkStatus] {
        let rows = try connection.run(
            """
            SELECT s.sink, s.target, coalesce(sum(greatest(p.last - c.sequence, 0)), 0)::bigint,
                coalesce(max((extract(epoch FROM clock_timestamp()) * 1000000)::bigint - n.at), 0)::bigint,
                coalesce(sum(least(c.sequence, p.last)), 0)::bigint,
                (extract(epoch FROM clock_timestamp() - s.seen_at) * 1000000)::bigint, s.trouble,
                (SELECT count(*) FROM stampede.relay_dead_letters d WHERE d.sink = s.sink),
                coalesce(string_agg(p.partition::text, ',' ORDER BY p.partition) FILTER (WHERE c.sequence > p.last), '')
            FROM stampede.relay_sinks s
            JOIN stampede.relay_cursors c ON c.sink = s.sink
            JOIN stampede.partitions p ON p.partition = c.partition
            LEFT JOIN LATERAL (SELECT l.at FROM stampede.ledger l
                WHERE l.partition = c.partition AND l.seq = c.sequence + 1) n ON true
            GROUP BY s.sink, s.target, s.seen_at, s.trouble ORDER BY s.sink
            """
        ) { _ in }
        return (0..<rows.count).map { row in
            RelaySinkStatus(
                sink: rows.text(row, 0), target: rows.text(row, 1), lag: rows.integer(row, 2),
                lagMicroseconds: max(0, rows.integer(row, 3)), taken: rows.integer(row, 4),
                silentMicroseconds: max(0, rows.integer(row, 5)),
                trouble: rows.isNull(row, 6) ? nil : rows.text(row, 6), deadLetters: rows.integer(row, 7),
                beyond: rows.text(row, 8).split(separator: ",").compactMap { Int16($0) }
                    .map(Partition.init(rawValue:)))
        }
    }

    // MARK: Telling again

    /// Where a sink is to go on.
    public enum Start: Hashable, Sendable {
        /// With entries from this moment on. Entries of a partition are some milliseconds out of order at most.
        case time(LedgerTime)
        /// With this entry of the partition's sequence.
        case sequence(Int64)
        /// With what comes next.
        case end
    }

    /// Moves the cursors of a sink, of all partitions or of one, and returns how many.
    ///
    /// A relay that runs finds its next compare-and-set refused, and goes on from the new place.
    public func replay(
        _ sink: String, from start: Start, partition: Partition? = nil
    ) throws(LedgerError) -> Int {
        try transaction { () throws(LedgerError) in
            try lock(sink)
            let place =
                switch start {
                case .time(let time):
                    // The primary key finds the last entry before it in a few steps: times grow with the sequence.
                    "stampede.relay_place(c.partition, \(time.rawValue))"
                case .sequence(let sequence): "least(\(max(sequence - 1, 0)), p.last)"
                case .end: "p.last"
                }
            let rows = try connection.run(
                """
                UPDATE stampede.relay_cursors c SET sequence = \(place), mark = NULL
                FROM stampede.partitions p
                WHERE p.partition = c.partition AND c.sink = ($1::text[])[1]
                    AND ($2::smallint = -1 OR c.partition = $2::smallint)
                RETURNING c.partition
                """
            ) {
                $0.appendTexts([sink])
                $0.append(partition?.rawValue ?? -1)
            }
            return rows.count
        }
    }

    /// Removes a sink with its cursors and dead letters. False when there is none of that name.
    public func forget(_ sink: String) throws(LedgerError) -> Bool {
        let rows = try connection.run(
            "DELETE FROM stampede.relay_sinks WHERE sink = ($1::text[])[1] RETURNING 1::smallint"
        ) { $0.appendTexts([sink]) }
        return rows.count > 0
    }

    // MARK: Dead letters

    public func bury(_ letters: [RelayDeadLetter], of sink: String) throws(LedgerError) {
        guard !letters.isEmpty else { return }
        try connection.run(
            """
            INSERT INTO stampede.relay_dead_letters AS d (sink, partition, sequence, attempts, subject, reason, event)
            SELECT ($1::text[])[1], e.* FROM unnest($2::smallint[], $3::bigint[], $4::integer[], $5::text[], $6::text[],
                $7::text[]) e
            ON CONFLICT (sink, partition, sequence) DO UPDATE
                SET attempts = d.attempts + excluded.attempts, reason = excluded.reason, failed_at = clock_timestamp(),
                    again = false
            """
        ) {
            $0.appendTexts([sink])
            $0.appendArray(.int2, letters.map(\.partition.rawValue))
            $0.appendArray(.int8, letters.map(\.sequence))
            $0.appendArray(.int4, letters.map(\.attempts))
            $0.appendTexts(letters.map(\.subject))
            $0.appendTexts(letters.map(\.reason))
            $0.appendTexts(letters.map(\.event))
        }
    }

    /// Has dead letters of a sink sent once more by the relay that tells it, all or one, and returns how many.
    public func retry(_ sink: String, _ event: OrderID? = nil) throws(LedgerError) -> Int {
        let rows = try connection.run(
            """
            UPDATE stampede.relay_dead_letters d SET again = true
            WHERE d.sink = ($1::text[])[1]
                AND ($2::smallint = -1 OR (d.partition, d.sequence) = ($2::smallint, $3::bigint))
            RETURNING 1::smallint
            """
        ) {
            $0.appendTexts([sink])
            $0.append(event?.partition.rawValue ?? -1)
            $0.append(event?.sequence ?? 0)
        }
        return rows.count
    }

    /// The first dead letters by their places, of one sink or of all.
    ///
    /// - Parameter again: only those that an operator wants sent once more.
    public func deadLetters(
        of sink: String?, again: Bool = false, limit: Int
    ) throws(LedgerError) -> [BuriedLetter] {
        let rows = try connection.run(
            """
            SELECT d.sink, d.partition, d.sequence, d.subject, d.attempts, d.reason, d.event,
                (extract(epoch FROM d.failed_at) * 1000000)::bigint
            FROM stampede.relay_dead_letters d
            WHERE (cardinality($1::text[]) = 0 OR d.sink = ($1::text[])[1]) AND (d.again OR $3::smallint = 0)
            ORDER BY d.sink, d.partition, d.sequence LIMIT $2::bigint
            """
        ) {
            $0.appendTexts(sink.map { [$0] } ?? [])
            $0.append(Int64(limit))
            $0.append(Int16(again ? 1 : 0))
        }
        return (0..<rows.count).map { row in
            BuriedLetter(
                sink: rows.text(row, 0),
                letter: RelayDeadLetter(
                    partition: Partition(rawValue: rows.integer(row, 1)), sequence: rows.integer(row, 2),
                    subject: rows.text(row, 3), attempts: rows.integer(row, 4), reason: rows.text(row, 5),
                    event: rows.text(row, 6)),
                failedAt: LedgerTime(rawValue: rows.integer(row, 7)))
        }
    }

    /// Removes dead letters that were taken after all.
    public func unbury(_ letters: [RelayDeadLetter], of sink: String) throws(LedgerError) {
        guard !letters.isEmpty else { return }
        try connection.run(
            """
            DELETE FROM stampede.relay_dead_letters d USING unnest($2::smallint[], $3::bigint[]) e(partition, sequence)
            WHERE d.sink = ($1::text[])[1] AND d.partition = e.partition AND d.sequence = e.sequence
            """
        ) {
            $0.appendTexts([sink])
            $0.appendArray(.int2, letters.map(\.partition.rawValue))
            $0.appendArray(.int8, letters.map(\.sequence))
        }
    }
}
