public import Sales

/// What the relay reads of the ledger, and the rows that it keeps beside it. One connection that blocks: it belongs to
/// one thread. After an error it may be in a failed transaction, so make another.
public final class RelayLedger {
    /// What names this ledger wherever it runs: sixteen hexadecimal digits of its system identifier and its database.
    public let name: String
    public let partitions: Int
    /// The server, for messages.
    public var address: String { connection.address }

    let connection: BlockingConnection

    /// Connects to the server that can be written to, and checks that it has our schema.
    public init(dsn: String) throws(LedgerError) {
        connection = try BlockingConnection(dsn: dsn, name: "stampede-relay")
        // A cursor that a crash of the server takes back is told twice, so nothing waits for a disk. Plans must not
        // depend on statistics that were made while the ledger was empty.
        try connection.run(
            """
            SET client_min_messages = warning; SET search_path = pg_catalog; SET jit = off;
            SET synchronous_commit = off; SET statement_timeout = '60s'; SET lock_timeout = '10s';
            SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
            """)
        try Audit.checkSchema(connection)
        let facts = try connection.run(
            "SELECT system_identifier, current_database(), (SELECT partitions FROM stampede.settings)"
                + " FROM pg_control_system()")
        var hash = Checksum()
        hash.add(facts.text(0, 0))
        hash.add("/")
        hash.add(facts.text(0, 1))
        name = hash.hexadecimal
        partitions = Int(facts.text(0, 2)) ?? 0
    }

    /// Runs the body in one transaction.
    public func transaction<R>(_ body: () throws(LedgerError) -> R) throws(LedgerError) -> R {
        try connection.run("BEGIN")
        do throws(LedgerError) {
            let result = try body()
            try connection.run("COMMIT")
            return result
        } catch {
            // What the server says about it adds nothing.
            _ = try? connection.run("ROLLBACK")
            throw error
        }
    }

    // MARK: Cursors

    /// Makes the rows of a sink, unless it has them.
    public func register(_ sink: String, target: String) throws(LedgerError) {
        try connection.run(
            """
            WITH made AS (
                INSERT INTO stampede.relay_sinks (sink, target) SELECT * FROM unnest($1::text[], $2::text[])
                ON CONFLICT (sink) DO UPDATE SET target = excluded.target, seen_at = clock_timestamp()
                RETURNING sink)
            INSERT INTO stampede.relay_cursors (sink, partition)
                SELECT m.sink, p.partition FROM made m CROSS JOIN stampede.partitions p
                ON CONFLICT (sink, partition) DO NOTHING
            """
        ) {
            $0.appendTexts([sink])
            $0.appendTexts([target])
        }
    }

    /// Says that a relay works on the sink, and what keeps it from getting on.
    public func beat(_ sink: String, trouble: String?) throws(LedgerError) {
        try connection.run(
            """
            UPDATE stampede.relay_sinks SET seen_at = clock_timestamp(), trouble = ($2::text[])[1]
            WHERE sink = ($1::text[])[1]
            """
        ) {
            $0.appendTexts([sink])
            $0.appendTexts(trouble.map { [$0] } ?? [])
        }
    }

    /// Where a sink stands, in order of partitions.
    public func positions(_ sink: String) throws(LedgerError) -> [RelayPosition] {
        let rows = try connection.run(
            """
            SELECT p.partition, p.last, coalesce(c.sequence, 0), c.mark
            FROM stampede.partitions p
            LEFT JOIN stampede.relay_cursors c ON c.partition = p.partition AND c.sink = ($1::text[])[1]
            ORDER BY p.partition
            """
        ) { $0.appendTexts([sink]) }
        return (0..<rows.count).map { row in
            RelayPosition(
                cursor: RelayCursor(
                    partition: Partition(rawValue: rows.integer(row, 0)), sequence: rows.integer(row, 2),
                    mark: rows.isNull(row, 3) ? nil : rows.integer(row, 3)),
                last: rows.integer(row, 1))
        }
    }

    /// Moves the cursors that are still where they were, and returns which those are. In a transaction they stay locked.
    public func move(_ sink: String, _ moves: [RelayMove]) throws(LedgerError) -> Set<Partition> {
        let moves = moves.sorted { $0.to.partition < $1.to.partition }
        // Locked in the order of partitions, so that two relays never wait for each other in a circle.
        let rows = try connection.run(
            """
            WITH held AS MATERIALIZED (
                SELECT c.partition FROM stampede.relay_cursors c
                WHERE c.sink = ($1::text[])[1] AND c.partition = ANY ($2::smallint[])
                ORDER BY c.partition FOR UPDATE)
            UPDATE stampede.relay_cursors c SET sequence = m.next, mark = m.mark
            FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[]) m(partition, old, next, mark)
            JOIN held h ON h.partition = m.partition
            WHERE c.sink = ($1::text[])[1] AND c.partition = m.partition AND c.sequence = m.old
            RETURNING c.partition
            """
        ) {
            $0.appendTexts([sink])
            $0.appendArray(.int2, moves.map(\.to.partition.rawValue))
            $0.appendArray(.int8, moves.map(\.from))
            $0.appendArray(.int8, moves.map(\.to.sequence))
            $0.appendArray(.int8, moves.map { $0.to.mark ?? 0 })
        }
        return Set((0..<rows.count).map { Partition(rawValue: rows.integer($0, 0)) })
    }

    // MARK: Entries

    /// Entries from each cursor's own on, at most so many of each partition.
    public func entries(
        from cursors: [RelayCursor], limit: Int
    ) throws(LedgerError) -> [Partition: [Entry]] {
        let rows = try connection.run(
            """
            SELECT \(Statements.entryColumns), l.partition
            FROM unnest($1::smallint[], $2::bigint[]) c(place, sequence)
            CROSS JOIN LATERAL (
                SELECT * FROM stampede.ledger e WHERE e.partition = c.place AND e.seq >= c.sequence
                ORDER BY e.seq LIMIT $3::bigint) l
            """
        ) {
            $0.appendArray(.int2, cursors.map(\.partition.rawValue))
            $0.appendArray(.int8, cursors.map(\.sequence))
            $0.append(Int64(limit))
        }
        var found: [Partition: [Entry]] = [:]
        for row in 0..<rows.count {
            let partition = Partition(rawValue: rows.integer(row, 12))
            found[partition, default: []].append(try rows.entry(row, partition))
        }
        for partition in found.keys { found[partition]?.sort { $0.sequence < $1.sequence } }
        return found
    }

    /// What had happened to orders before a place of their partition's sequence.
    public func histories(
        of orders: [(order: OrderID, before: Int64)]
    ) throws(LedgerError) -> [OrderID: OrderHistory] {
        guard !orders.isEmpty else { return [:] }
        let rows = try connection.run(
            """
            SELECT \(Statements.entryColumns), l.partition, o.placed
            FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) o(place, placed, before)
            CROSS JOIN LATERAL (
                SELECT * FROM stampede.ledger e WHERE e.partition = o.place AND e.seq = o.placed
                UNION ALL
                SELECT * FROM stampede.ledger e
                WHERE e.partition = o.place AND e.about = o.placed AND e.seq < o.before) l
            """
        ) {
            $0.appendArray(.int2, orders.map(\.order.partition.rawValue))
            $0.appendArray(.int8, orders.map(\.order.sequence))
            $0.appendArray(.int8, orders.map(\.before))
        }
        var placing: [OrderID: Entry] = [:]
        var later: [OrderID: [Entry]] = [:]
        for row in 0..<rows.count {
            let partition = Partition(rawValue: rows.integer(row, 12))
            let entry = try rows.entry(row, partition)
            let order = OrderID(partition: partition, sequence: rows.integer(row, 13))
            // What places an order may itself be about a wait.
            if entry.sequence == order.sequence {
                placing[order] = entry
            } else {
                later[order, default: []].append(entry)
            }
        }
        var histories: [OrderID: OrderHistory] = [:]
        for (order, entry) in placing {
            let entries = later[order, default: []].sorted { $0.sequence < $1.sequence }
            histories[order] = OrderHistory(placing: entry, later: entries)
        }
        return histories
    }

    /// The terms that lanes of sales were created with. A lane that has none is left out.
    public func terms(
        of lanes: [(partition: Partition, sale: SaleID, lane: Lane)]
    ) throws(LedgerError) -> [Partition: [Entry]] {
        guard !lanes.isEmpty else { return [:] }
        let rows = try connection.run(
            """
            SELECT \(Statements.entryColumns), l.partition
            FROM unnest($1::smallint[], $2::bigint[], $3::smallint[]) s(place, of_sale, of_lane)
            CROSS JOIN LATERAL (
                SELECT * FROM stampede.ledger e
                WHERE e.partition = s.place AND e.sale = s.of_sale AND e.lane = s.of_lane AND e.terms IS NOT NULL
                ORDER BY e.seq LIMIT 1) l
            """
        ) {
            $0.appendArray(.int2, lanes.map(\.partition.rawValue))
            $0.appendArray(.int8, lanes.map(\.sale.rawValue))
            $0.appendArray(.int2, lanes.map(\.lane.rawValue))
        }
        var found: [Partition: [Entry]] = [:]
        for row in 0..<rows.count {
            let partition = Partition(rawValue: rows.integer(row, 12))
            found[partition, default: []].append(try rows.entry(row, partition))
        }
        return found
    }
}

@available(*, unavailable)
extension RelayLedger: Sendable {}
