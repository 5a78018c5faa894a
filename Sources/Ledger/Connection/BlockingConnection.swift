import CPostgres

/// A libpq connection that blocks, for commands: nothing here runs on an event loop.
final class BlockingConnection {
    let address: String
    private let connection: OpaquePointer

    /// Connects to the first host that can be written to, or only read if that will do.
    init(dsn: String, name: String, readOnly: Bool = false) throws(LedgerError) {
        var failures: [LedgerError] = []
        for var endpoint in try Endpoint.parse(dsn) {
            endpoint.set("application_name", name)
            endpoint.set("connect_timeout", "5")
            endpoint.set("target_session_attrs", readOnly ? "any" : "read-write")
            let connection = endpoint.withCArrays { PQconnectdbParams($0, $1, 0) }
            if let connection, PQstatus(connection) == CONNECTION_OK {
                self.connection = connection
                address = endpoint.address
                // Notices would go to standard error otherwise.
                PQsetNoticeReceiver(connection, { _, _ in }, nil)
                return
            }
            failures.append(
                LedgerError(
                    .refused, connection: connection, address: endpoint.address,
                    advice: "check that the server runs there and accepts this user"))
            if let connection { PQfinish(connection) }
        }
        throw failures.first
            ?? LedgerError(.configuration, "the ledger's connection string names no host; name one")
    }

    deinit { PQfinish(connection) }

    /// Runs one or several statements and returns the rows of the last one, as text.
    @discardableResult
    func run(_ sql: String) throws(LedgerError) -> Rows { try rows(PQexec(connection, sql)) }

    /// Runs one statement and returns its rows in the binary format.
    func read(_ sql: String) throws(LedgerError) -> Rows {
        try rows(PQexecParams(connection, sql, 0, nil, nil, nil, nil, 1))
    }

    private func rows(_ result: OpaquePointer?) throws(LedgerError) -> Rows {
        guard let result else {
            throw LedgerError(.lost, connection: connection, address: address, advice: "try again")
        }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            return Rows(adopting: result)
        default:
            defer { PQclear(result) }
            throw LedgerError(result: result, address: address)
        }
    }
}
