/// What the relay has told, compared with the ledger as far as its cursors say.
extension AuditQuery {
    static let cursors = AuditQuery(checks: [
        Check(
            promise: "relay", sentence: "No sink was told more than the ledger has.", table: .cursors,
            violations: """
                SELECT format('sink %s was told partition %s up to entry %s, which ends at %s', c.sink, c.partition,
                              c.sequence, p.last)
                FROM stampede.relay_cursors c LEFT JOIN stampede.partitions p USING (partition)
                WHERE c.sequence > coalesce(p.last, 0)
                """)
    ])

    /// Where an order is after its entries up to the cursor, by SQL alone: the relay goes by `OrderLife`. Money beside what
    /// paid (26, 27), and the failure (19) of an attempt that its order did not wait for, change nothing but the version.
    static let tables = AuditQuery(
        shared: """
            told AS MATERIALIZED (
                SELECT l.partition, l.seq, l.kind, l.sale, l.lane, l.buyer, l.key, l.quantity, l.amount, l.about
                FROM stampede.ledger l JOIN stampede.relay_cursors c ON c.partition = l.partition AND c.sink = 'tables'
                WHERE l.seq <= c.sequence AND (l.kind = 16 OR l.about IS NOT NULL)
            ), places AS (
                SELECT DISTINCT ON (partition, about) partition, about, kind
                FROM (SELECT partition, about, seq, kind,
                             bool_or(kind IN (22, 23)) OVER (PARTITION BY partition, about) AS ended
                      FROM told WHERE about IS NOT NULL) e
                WHERE kind NOT IN (26, 27) AND NOT (kind = 19 AND ended)
                ORDER BY partition, about, seq DESC
            ), counts AS (
                SELECT partition, about, count(*) AS entries, sum(CASE WHEN kind = 21 THEN quantity
                           WHEN kind IN (22, 23, 25) THEN -quantity ELSE 0 END) AS units
                FROM told WHERE about IS NOT NULL GROUP BY partition, about
            ), expected AS MATERIALIZED (
                SELECT o.partition, o.seq, o.sale, o.lane, o.buyer, o.quantity, o.amount, o.key,
                       CASE p.kind WHEN 18 THEN 'paying' WHEN 20 THEN 'paid' WHEN 21 THEN 'paid' WHEN 22 THEN 'expired'
                            WHEN 23 THEN 'cancelled' WHEN 24 THEN 'refunding' WHEN 25 THEN 'refunded' ELSE 'reserved'
                       END AS state,
                       1 + coalesce(n.entries, 0) AS version, o.quantity + coalesce(n.units, 0) AS units
                FROM told o
                LEFT JOIN places p ON p.partition = o.partition AND p.about = o.seq
                LEFT JOIN counts n ON n.partition = o.partition AND n.about = o.seq
                WHERE o.kind = 16
            ),
            """,
        checks: [
            Check(
                promise: "relay", sentence: "The table orders says what the ledger says up to its cursor.",
                table: .orders,
                violations: """
                    SELECT format('order %s-%s: %s, version %s in the table, %s, version %s by its entries', partition,
                                  seq, coalesce(o.state, 'absent'), o.version, coalesce(e.state, 'absent'), e.version)
                    FROM stampede.orders o FULL JOIN expected e USING (partition, seq)
                    WHERE (o.sale, o.lane, o.buyer, o.quantity, o.amount, o.key, o.state, o.version)
                        IS DISTINCT FROM (e.sale, e.lane, e.buyer, e.quantity, e.amount, e.key, e.state, e.version)
                    """),
            Check(
                promise: "relay", sentence: "The table buyers adds up to their orders.", table: .buyers,
                violations: """
                    SELECT format('buyer %s, sale %s: %s units, %s paid in the table, %s, %s by their orders', buyer, sale,
                                  b.units, b.units_paid, e.units, e.units_paid)
                    FROM stampede.buyers b
                    FULL JOIN (SELECT buyer, sale, lane, count(*) AS orders, sum(units) AS units,
                                      coalesce(sum(quantity) FILTER (WHERE state = 'paid'), 0) AS units_paid,
                                      coalesce(sum(amount) FILTER (WHERE state = 'paid'), 0) AS amount_paid
                               FROM expected GROUP BY buyer, sale, lane) e USING (buyer, sale, lane)
                    WHERE (b.orders, b.units, b.units_paid, b.amount_paid)
                        IS DISTINCT FROM (e.orders, e.units, e.units_paid, e.amount_paid)
                    """),
        ])
}
