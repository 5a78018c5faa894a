import Foundation
import Ledger
import PostgresTestSupport
import Sales
import Simulation
import Testing
import Wire
import ZeroMQ

/// A migrated database on a real server, with sessions of workers and one of `psql`.
final class RealLedger {
    let loop = EventLoop()
    let psql: Psql
    private let server: PostgresServer
    private let dsn: String
    private var connections: [LedgerConnection] = []

    init(partitions: Int) throws {
        server = try PostgresServer()
        dsn = server.dsn()
        _ = try Migrator(dsn: dsn).migrate(partitions: partitions)
        psql = try Psql(dsn)
    }

    deinit { for connection in connections { connection.close() } }

    func connect() throws -> LedgerConnection {
        var configuration = LedgerConfiguration(dsn: dsn, name: "test")
        configuration.connectTimeout = .seconds(20)
        // Who waits for a row here waits until it is free: giving up is not what is compared.
        configuration.lockTimeout = .seconds(60)
        configuration.statementTimeout = .seconds(60)
        let connection = LedgerConnection(configuration: configuration, loop: loop)
        connections.append(connection)
        _ = try answer { connection.connect($0) }.get()
        return connection
    }

    /// Calls something that answers on the loop, and waits for the answer.
    func answer<Value>(_ start: (@escaping (Value) -> Void) -> Void) throws -> Value {
        var found: Value?
        start { found = $0 }
        loop.run(atMost: .seconds(60)) { found != nil }
        return try #require(found, "no answer in 60 s")
    }

    func clock(_ connection: LedgerConnection) throws -> LedgerTime {
        try answer { connection.checkFences([], $0) }.get().clock
    }

    /// All that the ledger holds but the entries, as lines of text.
    func state() throws -> [String] {
        try psql.run(
            """
            SELECT 'row', partition, fence, batch, last FROM stampede.partitions ORDER BY partition;
            SELECT 'batch', partition, batch, fence, first, last, (extract(epoch FROM at) * 1000000)::bigint
                FROM stampede.batches ORDER BY partition, batch;
            SELECT 'seal', s.partition, s.batch, encode(s.previous, 'hex'), encode(s.root, 'hex'), encode(s.digest, 'hex'),
                s.system, s.timeline
                FROM stampede.seals s ORDER BY s.partition, s.batch;
            SELECT 'stock', sale, remaining FROM stampede.stock ORDER BY sale
            """)
    }
}

extension LedgerModel {
    /// The same lines, of the model.
    func state() -> [String] {
        var lines: [String] = []
        for (partition, row) in rows.enumerated() {
            lines.append("row|\(partition)|\(row.fence)|\(row.batch)|\(row.last)")
        }
        for (partition, batches) in batches.enumerated() {
            for batch in batches {
                let range = "\(batch.first)|\(batch.last)"
                lines.append(
                    "batch|\(partition)|\(batch.number)|\(batch.fence)|\(range)|\(batch.at.rawValue)")
            }
        }
        for (partition, batches) in batches.enumerated() {
            for batch in batches {
                guard let seal = batch.seal else { continue }
                let system = Int64(bitPattern: seal.incarnation.systemIdentifier)
                lines.append(
                    "seal|\(partition)|\(batch.number)|\(seal.previous)|\(seal.root)|\(seal.digest)|\(system)"
                        + "|\(seal.incarnation.timeline)")
            }
        }
        for (sale, left) in stock.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            lines.append("stock|\(sale.rawValue)|\(left)")
        }
        return lines
    }
}

/// A session of somebody who is no worker, and who may stand between a lock and its release.
final class Psql {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var questions = 0

    init(_ dsn: String) throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", dsn]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Runs statements and returns the lines that they print.
    @discardableResult
    func run(_ sql: String) throws -> [String] {
        questions += 1
        let end = "end of \(questions)\n"
        input.fileHandleForWriting.write(Data("\(sql);\n\\echo \(end)".utf8))
        var bytes = Data()
        while !bytes.suffix(end.utf8.count).elementsEqual(end.utf8) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw PostgresServer.Failure("psql ended at: \(sql)") }
            bytes += more
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropLast().map(String.init)
    }
}
