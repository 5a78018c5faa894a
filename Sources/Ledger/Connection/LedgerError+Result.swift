import CPostgres

extension LedgerError {
    /// The error that a `PGresult` carries.
    init(result: OpaquePointer, address: String) {
        let state = Self.field(result, "C")
        let primary = Self.field(result, "M") ?? String(cString: PQresultErrorMessage(result)).firstLine
        self.init(
            .server, "the ledger at \(address) refused: \(primary)",
            sqlState: state.map(SQLState.init(rawValue:)), detail: Self.field(result, "D"))
    }

    /// What libpq last said about a connection. It names hosts, ports and users, never a password.
    init(_ code: Code, connection: OpaquePointer?, address: String, advice: String) {
        let said = connection.map { String(cString: PQerrorMessage($0)).firstLine } ?? "out of memory"
        self.init(code, "the ledger at \(address): \(said.isEmpty ? "no reason given" : said); \(advice)")
    }

    /// True for the severity after which the server goes on and has rolled back. FATAL and PANIC end the
    /// session at an unknown moment.
    static func isPlainError(_ result: OpaquePointer) -> Bool { field(result, "V") == "ERROR" }

    /// https://www.postgresql.org/docs/15/protocol-error-fields.html
    static func field(_ result: OpaquePointer, _ name: Unicode.Scalar) -> String? {
        PQresultErrorField(result, Int32(name.value)).map { String(cString: $0) }
    }
}

extension String {
    fileprivate var firstLine: String {
        split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
