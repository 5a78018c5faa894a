/// What an audit found: every check, kept or broken.
public struct AuditReport: Sendable, Equatable {
    /// One promise looked at from one side.
    public struct Check: Sendable, Equatable {
        /// `P1` to `P6`, `life`, `sequence` or `receipts`: docs/ names the promises by these.
        public let promise: String
        /// What must hold, in one sentence.
        public let sentence: String
        /// How often it does not hold.
        public let violations: Int
        /// Up to five of them, in words.
        public let examples: [String]
        /// How many rows were looked at. A check of no rows proves nothing.
        public let rows: Int

        public var holds: Bool { violations == 0 }
    }

    public let checks: [Check]
    /// Rows of the ledger in the snapshot.
    public let entries: Int
    /// What was not looked at, and why, a sentence each.
    public let skipped: [String]

    /// True if every check holds.
    public var isClean: Bool { checks.allSatisfy(\.holds) }
}
