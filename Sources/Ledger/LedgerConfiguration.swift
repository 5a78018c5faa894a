public import Wire

/// Where the ledger is, and how long to wait for it.
public struct LedgerConfiguration: Sendable {
    /// A libpq connection string or URI. Use addresses or a unix socket: libpq looks names up in the calling
    /// thread. With several hosts, each is tried in turn, and one that may not be written to is passed over.
    public var dsn: String
    /// The worker's name. Sessions are called `stampede/NAME`; only such are ever ended by another worker.
    public var name: String
    /// How long a statement waits for a row before it gives up.
    public var lockTimeout: TimeAmount
    /// How long a statement may run. The connection gives up, and closes, one second later.
    public var statementTimeout: TimeAmount
    /// How long one host may take until the connection is ready.
    public var connectTimeout: TimeAmount

    public init(
        dsn: String, name: String, lockTimeout: TimeAmount = .milliseconds(100),
        statementTimeout: TimeAmount = .seconds(5), connectTimeout: TimeAmount = .seconds(2)
    ) {
        self.dsn = dsn
        self.name = name
        self.lockTimeout = lockTimeout
        self.statementTimeout = statementTimeout
        self.connectTimeout = connectTimeout
    }
}
