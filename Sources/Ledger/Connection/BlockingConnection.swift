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
    func run(_ sql: String) throws(LedgerError) -> Rows {
        try rows(PQexec(connection, sql))
    }

    /// Runs one statement with arguments; both they and the rows are binary.
    @discardableResult
    func run(_ sql: String, _ fill: (Arguments) -> Void) throws(LedgerError) -> Rows {
        let arguments = Arguments()
        fill(arguments)
        let answer = arguments.withPointers { count, values, lengths, formats in
            PQexecParams(connection, sql, count, nil, values, lengths, formats, 1)
        }
        return try rows(answer)
    }

    private func rows(_ answer: OpaquePointer?) throws(LedgerError) -> Rows {
        guard let answer else {
            throw LedgerError(.lost, connection: connection, address: address, advice: "try again")
        }
        switch PQresultStatus(answer) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            return Rows(adopting: answer)
        default:
            defer { PQclear(answer) }
            throw LedgerError(result: answer, address: address)
        }
    }
}
