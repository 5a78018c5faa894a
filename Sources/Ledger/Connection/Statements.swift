/// The statements that every connection prepares. Arguments and rows are binary.
enum Statements {
    static let commit = "commit"
    static let take = "take"
    static let renew = "renew"
    static let terminate = "terminate"
    static let batch = "batch"
    static let check = "check"
    static let load = "load"
    static let takeLocks = "take_locks"
    static let sealOf = "seal_of"

    /// What `Rows.entry` reads, in its order.
    static let entryColumns =
        "seq, sale, buyer, amount, at, key, quantity, kind, lane, terms, coalesce(about, 0), note"

    static let all: [(name: String, sql: String)] = [
        (
            commit,
            """
            SELECT stampede.commit_sealed($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                $19, $20, $21, $22, $23, $24, $25, $26)
            """
        ),
        (take, "SELECT partition, fence, batch, last, digest FROM stampede.take_fence($1)"),
        (renew, "SELECT partition, fence, batch, last, digest FROM stampede.renew_fences($1, $2)"),
        (takeLocks, "SELECT stampede.take_lock_fences($1)"),
        (terminate, "SELECT stampede.terminate_holders($1, $2)"),
        (
            batch,
            "SELECT EXISTS (SELECT FROM stampede.batches WHERE partition = $1 AND batch = $2 AND fence = $3)"
        ),
        (
            check,
            // The clock, and whether the server may be written to, come along even if no partition is asked for.
            """
            SELECT p.partition, p.fence, p.batch, p.last, (extract(epoch FROM c.moment) * 1000000)::bigint,
                current_setting('transaction_read_only')::boolean
            FROM (SELECT clock_timestamp() AS moment) c
            LEFT JOIN stampede.partitions p ON p.partition = ANY ($1::smallint[])
            """
        ),
        (
            load,
            """
            SELECT \(entryColumns)
            FROM stampede.ledger
            WHERE partition = $1::smallint AND seq > $2::bigint ORDER BY seq LIMIT $3::bigint
            """
        ),
        (
            sealOf,
            // The seal of the batch that an entry came in. Where it has none, the next one's is found: its batch begins
            // behind the entry.
            """
            SELECT s.system, s.timeline, b.fence, b.batch, b.first, b.last, s.place, s.size, s.previous, s.root,
                s.siblings, s.signature, s.key
            FROM (SELECT * FROM stampede.seals s
                  WHERE s.partition = $1::smallint AND s.last >= $2::bigint ORDER BY s.last LIMIT 1) s
            JOIN stampede.batches b ON b.partition = s.partition AND b.batch = s.batch
            """
        ),
    ]
}
