/// One pass over the ledger, and the checks that are read off it.
struct AuditQuery {
    /// What a check looks at, for its number of rows.
    enum Table: String, CaseIterable {
        case ledger, batches, stock, partitions, orders, buyers
        case cursors = "relay_cursors"
    }

    struct Check {
        let promise: String
        let sentence: String
        let table: Table
        /// Selects one text column, a row per violation.
        let violations: String
    }

    /// Common table expressions that the checks share, each followed by a comma.
    var shared = ""
    let checks: [Check]

    /// One row per check, in order: its place, the number of violations, five of them line by line.
    var sql: String {
        let found = checks.indices.map { "found\($0) (example) AS MATERIALIZED (\(checks[$0].violations))" }
        let rows = checks.indices.map {
            """
            SELECT \($0) AS place, (SELECT count(*) FROM found\($0)),
                coalesce((SELECT string_agg(example, E'\\n')
                          FROM (SELECT example FROM found\($0) LIMIT 5) few), '')
            """
        }
        return
            "WITH \(shared)\(found.joined(separator: ", ")) \(rows.joined(separator: " UNION ALL ")) ORDER BY place"
    }

    static let all = [stock, course, keys, limits, waiting, moments, fences]

    /// How an entry changes the units left; the twin of `Entry.stockChange`.
    private static let change =
        "CASE WHEN kind IN (5, 16, 21) THEN -quantity WHEN kind IN (1, 4, 22, 23, 25) THEN quantity ELSE 0 END"

    private static let stock = AuditQuery(checks: [
        Check(
            promise: "P1",
            sentence: "Units left are the units ever added less those of live orders, and never below zero.",
            table: .stock,
            violations: """
                SELECT format('sale %s, lane %s, partition %s: %s left in stock, %s by its entries',
                              sale, lane, partition, s.remaining, e.remaining)
                FROM stampede.stock s
                FULL JOIN (SELECT sale, lane, partition, sum(\(change)) AS remaining
                           FROM stampede.ledger GROUP BY sale, lane, partition) e USING (sale, lane, partition)
                WHERE coalesce(s.remaining, 0) <> coalesce(e.remaining, 0) OR s.remaining < 0
                """)
    ])

    private static let course = AuditQuery(checks: [
        Check(
            promise: "P1",
            sentence: "At no place of the sequence had more units been ordered than had been added.",
            table: .ledger,
            violations: """
                SELECT format('entry %s-%s of sale %s leaves %s units', partition, seq, sale, remaining)
                FROM (SELECT partition, seq, sale,
                             sum(\(change)) OVER (PARTITION BY partition, sale, lane ORDER BY seq
                                                  ROWS UNBOUNDED PRECEDING) AS remaining
                      FROM stampede.ledger WHERE kind IN (1, 4, 5, 16, 21, 22, 23, 25)) c
                WHERE remaining < 0
                """)
    ])

    private static let keys = AuditQuery(checks: [
        Check(
            promise: "P3", sentence: "No request key of a buyer and a sale has two orders.", table: .ledger,
            violations: """
                SELECT format('sale %s, buyer %s, key %s: %s orders', sale, buyer, key, count(*))
                FROM stampede.ledger WHERE kind = 16 GROUP BY sale, buyer, key HAVING count(*) > 1
                """),
        Check(
            promise: "P3", sentence: "No request key that was settled as void has an order.", table: .ledger,
            violations: """
                SELECT format('order %s-%s has the key that entry %s-%s voids', o.partition, o.seq, v.partition,
                              v.seq)
                FROM stampede.ledger v JOIN stampede.ledger o USING (sale, buyer, key)
                WHERE v.kind = 17 AND o.kind = 16
                """),
    ])

    private static let limits = AuditQuery(checks: [
        Check(
            promise: "P4", sentence: "No buyer holds more units of a sale than its terms allow.",
            table: .ledger,
            // What he held after each order, against the limit in force at its place. A sale in lanes has it once per lane.
            violations: """
                SELECT format('buyer %s holds %s units of sale %s after entry %s-%s, the limit is %s', buyer, units,
                              sale, partition, seq, units_allowed)
                FROM (SELECT partition, sale, lane, buyer, seq, kind, sum(held) OVER (
                                 PARTITION BY partition, sale, lane, buyer ORDER BY seq ROWS UNBOUNDED PRECEDING) AS units
                      FROM (SELECT partition, sale, lane, buyer, seq, kind, -(\(change)) AS held
                            FROM stampede.ledger WHERE kind IN (16, 21, 22, 23, 25)) c) o
                LEFT JOIN (SELECT partition, sale, lane, seq AS since,
                                  lead(seq) OVER (PARTITION BY partition, sale, lane ORDER BY seq) AS until,
                                  (terms ->> 'limit')::bigint AS units_allowed
                           FROM stampede.ledger WHERE terms IS NOT NULL) t USING (partition, sale, lane)
                WHERE kind IN (16, 21) AND (t.since IS NULL OR seq > t.since AND (t.until IS NULL OR seq < t.until))
                  AND units > coalesce(units_allowed, 0)
                """),
        Check(
            promise: "life",
            sentence:
                "What happens to an order follows from where it was in its life, and moves all of its units.",
            table: .ledger,
            // As `OrderLife` has it, where the placing is kind 16. An attempt that its order did not wait for may fail (19)
            // when it has ended; money beside what paid (26, 27) changes nothing.
            violations: """
                SELECT format('entry %s-%s (kind %s) about order %s follows kind %s', partition, seq, kind, about, before)
                FROM (SELECT partition, seq, kind, about, quantity, buyer, sale, key,
                             coalesce(lag(kind) OVER (PARTITION BY partition, about ORDER BY seq), 16) AS before
                      FROM (SELECT partition, seq, kind, about, quantity, buyer, sale, key,
                                   bool_or(kind IN (22, 23)) OVER (PARTITION BY partition, about ORDER BY seq
                                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ended
                            FROM stampede.ledger WHERE kind BETWEEN 18 AND 25) e
                      WHERE NOT (kind = 19 AND coalesce(ended, false))) l
                LEFT JOIN (SELECT partition, seq AS about, buyer AS owner, sale AS sold, quantity AS units
                           FROM stampede.ledger WHERE kind = 16) o USING (partition, about)
                LEFT JOIN (SELECT DISTINCT partition, about, key, true AS begun
                           FROM stampede.ledger WHERE kind = 18) a USING (partition, about, key)
                WHERE owner IS DISTINCT FROM buyer OR sold IS DISTINCT FROM sale
                   OR kind IN (19, 20, 21) AND begun IS NULL
                   OR NOT CASE kind WHEN 18 THEN before IN (16, 19) WHEN 19 THEN before = 18
                                    WHEN 20 THEN before IN (16, 18, 19) WHEN 21 THEN before IN (22, 23)
                                    WHEN 22 THEN before IN (16, 18, 19) WHEN 23 THEN before IN (16, 19)
                                    WHEN 24 THEN before IN (20, 21, 22, 23) ELSE before = 24 END
                   OR quantity NOT IN (0, units) OR kind IN (21, 22, 23) AND quantity = 0
                   OR kind IN (18, 19, 20, 24) AND quantity > 0
                """),
    ])

    /// Waits with the entry that ended each, and who took units of their sales meanwhile.
    private static let waiting = AuditQuery(
        shared: """
            ends AS MATERIALIZED (
                SELECT partition, about, min(seq) AS ended, count(*) AS number
                FROM stampede.ledger WHERE kind IN (16, 17, 29, 30, 31) AND about IS NOT NULL
                GROUP BY partition, about
            ), waits AS MATERIALIZED (
                SELECT w.partition, w.sale, w.lane, w.seq, w.buyer, w.key, w.quantity,
                       coalesce(e.ended, 9223372036854775807) AS ended
                FROM stampede.ledger w LEFT JOIN ends e ON e.partition = w.partition AND e.about = w.seq
                WHERE w.kind = 28
            ), takers AS (
                SELECT partition, sale, lane, seq, kind = 16 AND about IS NOT NULL AS offered, remaining,
                       CASE WHEN kind = 16 THEN coalesce(about, seq) ELSE seq END AS place
                FROM (SELECT partition, sale, lane, seq, kind, about,
                             sum(\(change)) OVER (PARTITION BY partition, sale, lane ORDER BY seq
                                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS remaining
                      FROM stampede.ledger
                      WHERE (partition, sale, lane) IN (SELECT partition, sale, lane FROM waits)) c
                WHERE kind IN (16, 21)
            ),
            """,
        checks: [
            Check(
                promise: "waiting",
                sentence:
                    "Each wait ends once, and what ends it is of the same request and for as many units.",
                table: .ledger,
                violations: """
                    SELECT format('entry %s-%s (kind %s) ends wait %s', e.partition, e.seq, e.kind, e.about)
                    FROM stampede.ledger e LEFT JOIN waits w ON w.partition = e.partition AND w.seq = e.about
                    LEFT JOIN ends n ON n.partition = e.partition AND n.about = e.about
                    WHERE e.kind IN (16, 17, 29, 30, 31) AND e.about IS NOT NULL
                      AND (w.seq IS NULL OR n.number > 1 OR e.seq < w.seq
                           OR (e.sale, e.lane, e.buyer, e.key) IS DISTINCT FROM (w.sale, w.lane, w.buyer, w.key)
                           OR e.quantity <> CASE e.kind WHEN 16 THEN w.quantity ELSE 0 END)
                    """),
            Check(
                promise: "waiting",
                sentence:
                    "Nobody was served before somebody who had waited longer and wanted no more than there was.",
                table: .ledger,
                // For each quantity that is waited for: until when, of those before a place, the last one waited. One sort
                // instead of a comparison of everybody with everybody. Who did not wait comes after all that do, whatever
                // they want.
                violations: """
                    SELECT format('entry %s-%s of sale %s was served before somebody who waited for %s', partition, seq,
                                  sale, size)
                    FROM (SELECT partition, sale, seq, size, rank, offered, remaining,
                                 max(ended) OVER (PARTITION BY partition, sale, lane, size ORDER BY place, rank
                                                  ROWS UNBOUNDED PRECEDING) AS until
                          FROM (SELECT partition, sale, lane, quantity AS size, seq AS place, 1 AS rank, ended,
                                       NULL::bigint AS seq, false AS offered, NULL::numeric AS remaining
                                FROM waits
                                UNION ALL
                                SELECT partition, sale, lane, size, place, 0, NULL, t.seq, offered, remaining
                                FROM takers t
                                JOIN (SELECT DISTINCT partition, sale, lane, quantity AS size FROM waits) z
                                    USING (partition, sale, lane)) marks) carried
                    WHERE rank = 0 AND until > seq AND (NOT offered OR size <= remaining)
                    """),
        ])

    /// Entries, the terms in force at their place, and the batch they came in. Which batch that is, is found
    /// by one sort: the starts of the batches stand among the entries, and the last start is carried along.
    private static let moments = AuditQuery(
        shared: """
            windows AS MATERIALIZED (
                SELECT partition, sale, lane, seq AS since,
                       lead(seq) OVER (PARTITION BY partition, sale, lane ORDER BY seq) AS until,
                       (terms ->> 'opens')::bigint AS opens, (terms ->> 'closes')::bigint AS closes
                FROM stampede.ledger WHERE terms IS NOT NULL
            ), marks AS (
                SELECT l.partition, l.seq, 1 AS rank, NULL::bigint AS batch, l.kind, l.at, w.opens, w.closes
                FROM stampede.ledger l
                LEFT JOIN windows w ON l.kind = 16 AND w.partition = l.partition AND w.sale = l.sale
                    AND w.lane = l.lane AND l.seq > w.since AND (w.until IS NULL OR l.seq < w.until)
                UNION ALL
                SELECT partition, first, 0, batch, NULL, NULL, NULL, NULL FROM stampede.batches
            ), carried AS (
                SELECT partition, seq, rank, kind, at, opens, closes,
                       max(batch) OVER (PARTITION BY partition ORDER BY seq, rank ROWS UNBOUNDED PRECEDING) AS batch
                FROM marks
            ), groups AS MATERIALIZED (
                SELECT partition, batch, count(*) AS entries, min(seq) AS first, max(seq) AS last,
                       min(at) AS oldest, max(at) AS newest, max(opens) AS opens,
                       count(*) FILTER (WHERE kind = 16 AND (opens IS NULL OR at < opens OR at >= closes)) AS outside,
                       min(seq) FILTER (WHERE kind = 16 AND (opens IS NULL OR at < opens OR at >= closes))
                           AS first_outside
                FROM carried WHERE rank = 1 GROUP BY partition, batch
            ), pairs AS MATERIALIZED (
                SELECT partition, batch, g.entries, g.first AS found_first, g.last AS found_last, b.first, b.last,
                       g.oldest, g.newest, g.opens, g.outside, g.first_outside,
                       (extract(epoch FROM b.at) * 1000000)::bigint AS written
                FROM groups g FULL JOIN stampede.batches b USING (partition, batch)
            ),
            """,
        checks: [
            Check(
                promise: "sequence", sentence: "Each entry is in one batch, and no batch has gaps.",
                table: .ledger,
                violations: """
                    SELECT format('partition %s, batch %s: %s entries from %s to %s, written as %s to %s', partition,
                                  batch, coalesce(entries, 0), found_first, found_last, first, last)
                    FROM pairs
                    WHERE (found_first, found_last, entries) IS DISTINCT FROM (first, last, last - first + 1)
                    """),
            Check(
                promise: "P5", sentence: "Every order was decided within the window in force at its place.",
                table: .ledger,
                // Counted per batch, so that the pass stays one.
                violations: """
                    SELECT format('partition %s, batch %s: %s orders outside the window, from %s-%s on', partition,
                                  batch, outside, partition, first_outside)
                    FROM pairs WHERE outside > 0
                    """),
            Check(
                promise: "P5", sentence: "No order was written before its window opened.", table: .batches,
                violations: """
                    SELECT format('partition %s, batch %s was written %s us before its sale opened', partition,
                                  batch, opens - written)
                    FROM pairs WHERE written < opens
                    """),
            Check(
                promise: "P5", sentence: "No decision is more than 100 ms ahead of its writing.",
                table: .batches,
                violations: """
                    SELECT format('partition %s, batch %s has a decision of %s us after its writing', partition,
                                  batch, newest - written)
                    FROM pairs WHERE newest > written + 100000
                    """),
            Check(
                promise: "P5", sentence: "No decision is more than 5 s older than its writing.",
                table: .batches,
                violations: """
                    SELECT format('partition %s, batch %s has a decision of %s us before its writing', partition,
                                  batch, written - oldest)
                    FROM pairs WHERE oldest < written - 5000000
                    """),
        ])

    private static let fences = AuditQuery(
        shared: """
            steps AS MATERIALIZED (
                SELECT partition, batch, fence, first, last,
                       lag(batch, 1, 0::bigint) OVER w AS batch_before,
                       lag(fence, 1, 1::bigint) OVER w AS fence_before,
                       lag(last, 1, 0::bigint) OVER w AS last_before
                FROM stampede.batches WINDOW w AS (PARTITION BY partition ORDER BY batch)
            ),
            """,
        checks: [
            Check(
                promise: "P6", sentence: "Batches are numbered from 1 without gaps, and their ranges adjoin.",
                table: .batches,
                violations: """
                    SELECT format('partition %s: batch %s, entries %s to %s, follows batch %s, which ends at %s',
                                  partition, batch, first, last, batch_before, last_before)
                    FROM steps
                    WHERE batch <> batch_before + 1 OR first <> last_before + 1 OR last < first
                    """),
            Check(
                promise: "P6", sentence: "No batch has an older fence than a batch before it.",
                table: .batches,
                violations: """
                    SELECT format('partition %s: batch %s has fence %s after fence %s', partition, batch, fence,
                                  fence_before)
                    FROM steps WHERE fence < fence_before
                    """),
            Check(
                promise: "P6", sentence: "Each partition stands where its last batch ended.",
                table: .partitions,
                violations: """
                    SELECT format('partition %s: stands at fence %s, batch %s, entry %s; its last batch has %s, %s, %s',
                                  partition, p.fence, p.batch, p.last, b.fence, b.batch, b.last)
                    FROM stampede.partitions p
                    FULL JOIN (SELECT DISTINCT ON (partition) partition, fence, batch, last
                               FROM stampede.batches ORDER BY partition, batch DESC) b USING (partition)
                    WHERE (p.batch, p.last) IS DISTINCT FROM (coalesce(b.batch, 0), coalesce(b.last, 0))
                       OR p.fence < b.fence
                    """),
        ])
}
