import CPostgres
import Glibc

/// A libpq connection that blocks, for commands and for processes with threads of their own: nothing here runs on an
/// event loop. Belongs to one thread at a time.
package final class BlockingConnection {
    package let address: String
    private let connection: OpaquePointer

    /// Connects to the first host that can be written to, or only read if that will do.
    package init(dsn: String, name: String, readOnly: Bool = false) throws(LedgerError) {
        var failures: [LedgerError] = []
        for var endpoint in try Endpoint.parse(dsn) {
            endpoint.set("application_name", name)
            endpoint.set("connect_timeout", "5")
            // A server that is cut off is given up after ten seconds, not after a quarter of an hour.
            endpoint.set("tcp_user_timeout", "10000")
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
    package func run(_ sql: String) throws(LedgerError) -> Rows { try rows(PQexec(connection, sql)) }

    /// Runs one statement with parameters `$1`, … as text, and returns its rows as text.
    ///
    /// - Throws: `LedgerError.Code.lost` when the connection ended: nobody knows whether the statement ran.
    @discardableResult
    package func run(_ sql: String, _ parameters: [String?]) throws(LedgerError) -> Rows {
        let copies = parameters.map { $0.map { strdup($0) } ?? nil }
        defer { for copy in copies { free(copy) } }
        let result = copies.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            PQexecParams(connection, sql, Int32($0.count), nil, $0.baseAddress, nil, nil, 0)
        }
        return try rows(result)
    }

    /// Runs one statement with arguments; both they and the rows are binary.
    @discardableResult
    func run(_ sql: String, _ fill: (Arguments) -> Void) throws(LedgerError) -> Rows {
        let arguments = Arguments()
        fill(arguments)
        let result = arguments.withPointers { count, values, lengths, formats in
            PQexecParams(connection, sql, count, nil, values, lengths, formats, 1)
        }
        return try rows(result)
    }

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
            guard PQstatus(connection) == CONNECTION_OK else {
                throw LedgerError(.lost, connection: connection, address: address, advice: "try again")
            }
            throw LedgerError(result: result, address: address)
        }
    }
}
