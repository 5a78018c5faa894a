/// Brings the schema `stampede` of a database up to this binary. Creates nothing else.
public struct Migrator {
    /// The hash that new ledgers are made with: it maps keyed work to a partition.
    public static let hash = "splitmix64-v1"
    /// How many partitions a ledger has unless told.
    public static let defaultPartitions = 64
    /// More would make the one check of all fences, and every worker's table, needlessly long.
    public static let partitionLimit = 4_096

    private let dsn: String

    public init(dsn: String) { self.dsn = dsn }

    /// Applies what is missing, each migration in a transaction of its own. Blocks.
    ///
    /// - Parameter partitions: fixed by the first call, 64 if nil; later it must be nil or the same.
    /// - Throws: `LedgerError.Code.schema` if the database is newer, differs, or has other partitions.
    public func migrate(partitions: Int? = nil) throws(LedgerError) -> MigrationReport {
        if let partitions, !(1...Self.partitionLimit).contains(partitions) {
            throw LedgerError(
                .configuration, "\(partitions) partitions cannot be; choose 1 to \(Self.partitionLimit)")
        }
        let connection = try BlockingConnection(dsn: dsn, name: "stampede-migrate")
        // A notice for each object that exists already would only be noise.
        try connection.run("SET client_min_messages = warning")
        try createHistory(connection)
        var applied: [String] = []
        while let name = try applyNext(connection, partitions: partitions ?? Self.defaultPartitions) {
            applied.append(name)
        }
        let settings = try connection.run("SELECT partitions, hash FROM stampede.settings")
        let found = Int(settings.text(0, 0)) ?? 0
        if let partitions, partitions != found {
            throw LedgerError(
                .schema,
                "the ledger at \(connection.address) was made with \(found) partitions, which cannot change to"
                    + " \(partitions); leave the option out")
        }
        return MigrationReport(
            applied: applied, version: Migration.all.count, partitions: found, hash: settings.text(0, 1))
    }

    private func createHistory(_ connection: BlockingConnection) throws(LedgerError) {
        try transaction(connection) { () throws(LedgerError) in
            try connection.run(
                """
                CREATE SCHEMA IF NOT EXISTS stampede;
                CREATE TABLE IF NOT EXISTS stampede.migrations (
                    number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now());
                """)
        }
    }

    /// Applies the next missing migration, and returns its name; nil if none is missing.
    private func applyNext(_ connection: BlockingConnection, partitions: Int) throws(LedgerError) -> String? {
        try transaction(connection) { () throws(LedgerError) in
            let rows = try connection.run("SELECT number, checksum FROM stampede.migrations ORDER BY number")
            let applied = (0..<rows.count).map { (Int32(rows.text($0, 0)) ?? 0, rows.text($0, 1)) }
            guard let next = try Migration.missing(from: applied, address: connection.address).first else {
                return nil
            }
            try connection.run(next.sql)
            if next.number == 1 { try writeSettings(connection, partitions: partitions) }
            try connection.run(
                "INSERT INTO stampede.migrations (number, name, checksum)"
                    + " VALUES (\(next.number), '\(next.name)', '\(next.checksum)')")
            return next.name
        }
    }

    private func writeSettings(_ connection: BlockingConnection, partitions: Int) throws(LedgerError) {
        try connection.run(
            """
            INSERT INTO stampede.settings (partitions, hash) VALUES (\(partitions), '\(Self.hash)');
            INSERT INTO stampede.partitions (partition) SELECT generate_series(0, \(partitions - 1));
            """)
    }

    /// One migrator at a time: the lock is a number of our own, and ends with the transaction.
    @discardableResult
    private func transaction<R>(
        _ connection: BlockingConnection, _ body: () throws(LedgerError) -> R
    ) throws(LedgerError) -> R {
        try connection.run("BEGIN; SELECT pg_advisory_xact_lock(7163298411)")
        let result = try body()
        // After an error the transaction ends with the connection.
        try connection.run("COMMIT")
        return result
    }
}
