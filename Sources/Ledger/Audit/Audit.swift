public import Digests

/// Judges the promises by the ledger's tables alone, in one snapshot. May run while orders come in.
public struct Audit {
    /// Looks at every row, in a few passes that sort or hash; some seconds per million entries. Blocks.
    ///
    /// While it runs, the server cannot tidy up old versions of the busiest rows: run it on a standby if there
    /// is one, or accept slower commits meanwhile.
    ///
    /// - Parameter keys: whose signatures count; nil for the keys that the ledger itself lists, which only shows that
    ///   nothing was changed since by somebody without any key.
    public static func run(dsn: String, trusting keys: [PublicKey]? = nil) throws(LedgerError) -> AuditReport
    {
        let connection = try BlockingConnection(dsn: dsn, name: "stampede-audit", readOnly: true)
        try connection.run(
            """
            SET client_min_messages = warning; SET jit = off; SET work_mem = '128MB'; SET statement_timeout = 0;
            SET search_path = pg_catalog;
            """)
        try checkSchema(connection)
        try connection.run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        var rows: [AuditQuery.Table: Int] = [:]
        for table in AuditQuery.Table.allCases {
            rows[table] = Int(
                try connection.run("SELECT count(*) FROM stampede.\(table.rawValue)").text(0, 0))
        }
        var checks: [AuditReport.Check] = []
        let tables = try connection.run(
            "SELECT count(*) FROM stampede.relay_cursors WHERE sink = 'tables'")
        let hasTables = tables.text(0, 0) != "0"
        for query in AuditQuery.all + (rows[.cursors] == 0 ? [] : [.cursors]) + (hasTables ? [.tables] : []) {
            let answer = try connection.run(query.sql)
            for (row, check) in query.checks.enumerated() {
                checks.append(
                    AuditReport.Check(
                        promise: check.promise, sentence: check.sentence,
                        violations: Int(answer.text(row, 1)) ?? 0,
                        examples: answer.text(row, 2).split(separator: "\n").map(String.init),
                        rows: rows[check.table] ?? 0))
            }
        }
        var seals = try SealAudit(connection, trusting: keys)
        checks += try seals.run()
        try connection.run("COMMIT")
        return AuditReport(
            checks: checks, entries: rows[.ledger] ?? 0,
            skipped: hasTables
                ? []
                : ["The tables orders and buyers were not compared with the ledger: no relay ever kept them."]
        )
    }

    static func checkSchema(_ connection: BlockingConnection) throws(LedgerError) {
        guard try connection.run("SELECT to_regclass('stampede.migrations') IS NOT NULL").text(0, 0) == "t"
        else {
            throw LedgerError(
                .schema,
                "the ledger at \(connection.address) has no schema; run `stampede migrate` on it first")
        }
        let rows = try connection.run(Session.history)
        let applied = (0..<rows.count).map { (Int32(rows.text($0, 0)) ?? 0, rows.text($0, 1)) }
        if let missing = try Migration.missing(from: applied, address: connection.address).first {
            throw LedgerError(
                .schema,
                "the ledger at \(connection.address) lacks migration \(missing.number);"
                    + " run `stampede migrate` on it first")
        }
    }
}
