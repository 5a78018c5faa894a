import Cluster

/// Writes the ledger's tables to CSV files, by psql: the checker shares nothing with the system but its rows.
struct Export {
    let folder: String
    let dsn: String

    private static let tables = [
        ("ledger", "SELECT * FROM stampede.ledger"),
        (
            "batches",
            "SELECT partition, batch, fence, first, last, (extract(epoch FROM at) * 1000000)::bigint AS at "
                + "FROM stampede.batches"
        ),
        ("partitions", "SELECT * FROM stampede.partitions"),
        ("stock", "SELECT * FROM stampede.stock"),
    ]

    func run() async throws(ChaosError) {
        let log = "\(folder)/export.log"
        // One snapshot for all.
        var script = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
        for (table, query) in Export.tables {
            script += "\\copy (\(query)) TO '\(folder)/\(table).csv' CSV HEADER\n"
        }
        let path = "\(folder)/export.sql"
        try Files.write(Array((script + "COMMIT;\n").utf8), to: path)
        let status = await Tool(name: "psql", log: log).run(
            ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", path], atMost: .seconds(120))
        if status == Tool.missing {
            throw ChaosError(
                .missingTool, "psql is not installed: run `apt-get install postgresql-client` as root")
        }
        guard status == .code(0) else {
            throw ChaosError(.checker, "the ledger could not be exported: see \(log)")
        }
    }
}
