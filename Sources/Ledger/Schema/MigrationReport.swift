/// What a migration did, and what the ledger is now.
public struct MigrationReport: Sendable, Equatable {
    /// Names of the migrations that this call applied.
    public let applied: [String]
    /// Number of the newest migration.
    public let version: Int
    public let partitions: Int
    public let hash: String
}
