/// What went wrong with the ledger, where, and what to do next.
public struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is. Match with `==`; more may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case configuration, refused, lost, timeout, unsafe, schema, server, busy
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }
        public var description: String { value.rawValue }

        /// The connection string or an argument cannot be used.
        public static let configuration = Code(.configuration)
        /// No connection could be made.
        public static let refused = Code(.refused)
        /// The connection ended.
        public static let lost = Code(.lost)
        /// No answer came in time.
        public static let timeout = Code(.timeout)
        /// A setting of the server would break a promise.
        public static let unsafe = Code(.unsafe)
        /// The schema is missing, older, newer, or not ours.
        public static let schema = Code(.schema)
        /// The server refused a statement; `sqlState` says why.
        public static let server = Code(.server)
        /// More requests wait than the connection's queue holds.
        public static let busy = Code(.busy)
    }

    public let code: Code
    /// One sentence that names the server's address and what to do. Never holds a password.
    public let message: String
    /// The server's error code, if the server answered.
    public let sqlState: SQLState?
    /// The server's detail; for `ST001` and `ST002` the partitions concerned.
    let detail: String?

    public init(_ code: Code, _ message: String, sqlState: SQLState? = nil) {
        self.init(code, message, sqlState: sqlState, detail: nil)
    }

    init(_ code: Code, _ message: String, sqlState: SQLState?, detail: String?) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.detail = detail
    }

    public var description: String {
        if let sqlState { "\(code) \(sqlState): \(message)" } else { "\(code): \(message)" }
    }
}
