import Foundation
import Ledger
public import PostgresTestSupport
public import Sales

extension TestCluster {
    /// Runs SQL in the ledger as superuser and returns what psql printed.
    @discardableResult
    public func sql(_ text: String, on server: PostgresServer? = nil) async throws -> String {
        try await blocking { [postgres] in try (server ?? postgres).execute(text, in: "stampede") }
    }

    /// Where the ledger breaks a promise, one line each: by the audit, and by a query written apart from it, so
    /// that one of the two may be wrong.
    ///
    /// - Parameter server: where the ledger is by now, if not where it was.
    public func violations(on server: PostgresServer? = nil) async throws -> [String] {
        let report = try await audit(server?.dsn("stampede") ?? dsn)
        return try await sql(TestCluster.violations, on: server).split(separator: "\n").map(String.init)
            + report.checks.filter { !$0.holds }.map { "audit: \($0.promise) \($0.sentence) \($0.examples)" }
    }

    private func audit(_ dsn: String) async throws -> AuditReport {
        let end = Date().addingTimeInterval(30)
        while true {
            do {
                return try await blocking { try Audit.run(dsn: dsn) }
            } catch let error as LedgerError where error.code == .refused && Date() < end {
                // The server has just been killed, or the machine is too busy for a new session.
            }
        }
    }

    /// Units in live orders, by the ledger.
    public func unitsSold(_ sale: SaleID) async throws -> Int {
        Int(
            try await sql(
                "SELECT coalesce(sum(quantity), 0) FROM stampede.ledger WHERE kind = 16 AND sale = \(sale)"))
            ?? -1
    }

    /// The ids of a sale's orders, by the ledger.
    public func orderIDs(_ sale: SaleID, on server: PostgresServer? = nil) async throws -> Set<String> {
        let ids = try await sql("SELECT id FROM stampede.order_states WHERE sale = \(sale)", on: server)
        return Set(ids.split(separator: "\n").map(String.init))
    }

    /// The keys of a sale's orders, by the ledger.
    public func orderKeys(_ sale: SaleID) async throws -> [RequestKey] {
        try await sql("SELECT replace(key::text, '-', '') FROM stampede.order_states WHERE sale = \(sale)")
            .split(separator: "\n").compactMap { UInt128($0, radix: 16).map(RequestKey.init(rawValue:)) }
    }

    private static let violations = """
        WITH sums AS (
            SELECT sale, lane, sum(CASE kind WHEN 1 THEN quantity WHEN 4 THEN quantity WHEN 16 THEN -quantity
                ELSE 0 END) AS left
            FROM stampede.ledger GROUP BY sale, lane
        ), ordered AS (
            SELECT *, row_number() OVER (PARTITION BY partition ORDER BY seq) AS place FROM stampede.ledger
        ), chain AS (
            SELECT *, lag(fence, 1, 0::bigint) OVER w AS fence_before, lag(batch, 1, 0::bigint) OVER w AS batch_before,
                lag(last, 1, 0::bigint) OVER w AS last_before
            FROM stampede.batches WINDOW w AS (PARTITION BY partition ORDER BY batch)
        ), placed AS (
            SELECT o.*, b.at AS committed, t.terms AS in_force
            FROM stampede.ledger o
            JOIN stampede.batches b ON b.partition = o.partition AND o.seq BETWEEN b.first AND b.last
            CROSS JOIN LATERAL (
                SELECT terms FROM stampede.ledger t
                WHERE t.partition = o.partition AND t.sale = o.sale AND t.seq < o.seq AND t.terms IS NOT NULL
                ORDER BY t.seq DESC LIMIT 1) t
            WHERE o.kind = 16
        )
        SELECT 'P1: sale ' || sale || ' has ' || remaining || ' in stock, ' || sums.left || ' by its entries'
            FROM sums FULL JOIN stampede.stock USING (sale, lane)
            WHERE remaining IS DISTINCT FROM sums.left OR remaining < 0
        UNION ALL
        SELECT 'P3: key ' || key || ' of buyer ' || buyer || ' has ' || count(*) || ' entries'
            FROM stampede.ledger GROUP BY sale, buyer, key HAVING count(*) > 1
        UNION ALL
        SELECT 'P4: buyer ' || buyer || ' holds ' || sum(quantity) FROM placed
            GROUP BY sale, buyer HAVING sum(quantity) > max((in_force ->> 'limit')::int)
        UNION ALL
        SELECT 'P5: order ' || partition || '-' || seq || ' lies outside its window' FROM placed
            WHERE at < (in_force ->> 'opens')::bigint OR at >= (in_force ->> 'closes')::bigint
                OR extract(epoch FROM committed) * 1000000 < (in_force ->> 'opens')::bigint
        UNION ALL
        SELECT 'P6: batch ' || batch || ' of partition ' || partition || ' has fence ' || fence || ' after '
            || fence_before FROM chain WHERE fence < fence_before OR batch <> batch_before + 1
                OR first <> last_before + 1 OR last < first
        UNION ALL
        SELECT 'sequence: entry ' || partition || '-' || seq || ' is number ' || place FROM ordered
            WHERE seq <> place
        UNION ALL
        SELECT 'head: partition ' || partition || ' stands at ' || p.last || ', its entries end at ' || l.last
            FROM stampede.partitions p JOIN (
                SELECT partition, max(seq) AS last FROM stampede.ledger GROUP BY partition) l USING (partition)
            WHERE p.last <> l.last
        """
}
