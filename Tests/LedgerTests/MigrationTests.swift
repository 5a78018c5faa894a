import Foundation
import Testing

@testable import Ledger

@Suite struct MigrationTests {
    @Test func `migrating twice does nothing the second time`() throws {
        let ledger = try TestLedger(partitions: nil)
        let first = try Migrator(dsn: ledger.dsn).migrate(partitions: 8)
        #expect(
            first.applied == [
                "ledger", "locks", "order-life", "waiting-list", "notifications", "relay", "receipts",
            ])
        #expect(first.partitions == 8)
        let second = try Migrator(dsn: ledger.dsn).migrate(partitions: nil)
        #expect(second.applied.isEmpty)
        #expect(second.partitions == 8)
        #expect(
            try ledger.sql("SELECT count(*), min(partition), max(partition) FROM stampede.partitions")
                == "8|0|7")
    }

    @Test func `a ledger has 64 partitions unless told`() throws {
        let ledger = try TestLedger(partitions: nil)
        #expect(try Migrator(dsn: ledger.dsn).migrate().partitions == 64)
    }

    @Test func `the number of partitions never changes`() throws {
        let ledger = try TestLedger(partitions: 4)
        let error = #expect(throws: LedgerError.self) { try Migrator(dsn: ledger.dsn).migrate(partitions: 8) }
        #expect(error?.code == .schema)
        #expect(error?.message.contains("4") == true)
    }

    @Test func `concurrent migrations apply everything once`() throws {
        let ledger = try TestLedger(partitions: nil)
        let dsn = ledger.dsn
        let results = Results()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            results.add(Result { try Migrator(dsn: dsn).migrate(partitions: 4).applied.count })
        }
        #expect(try results.all.map { try $0.get() }.reduce(0, +) == 7)
        #expect(try ledger.sql("SELECT count(*) FROM stampede.migrations") == "7")
    }

    @Test func `nothing but the schema is created`() throws {
        let ledger = try TestLedger()
        let others = try ledger.sql(
            """
            SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE nspname NOT IN ('stampede', 'pg_catalog', 'information_schema', 'pg_toast')
            """)
        #expect(others == "0")
    }

    @Test(arguments: [
        ("UPDATE stampede.migrations SET checksum = 'other'", "another text"),
        ("INSERT INTO stampede.migrations VALUES (1000, 'future', 'x')", "newer"),
    ])
    func `a database of another binary is refused`(change: String, words: String) throws {
        let ledger = try TestLedger()
        _ = try ledger.sql(change)
        let migrating = #expect(throws: LedgerError.self) { try Migrator(dsn: ledger.dsn).migrate() }
        #expect(migrating?.code == .schema)
        #expect(migrating?.message.contains(words) == true)
        let connection = ledger.makeConnection()
        let connecting = #expect(throws: LedgerError.self) {
            try ledger.answer { connection.connect($0) }.get()
        }
        #expect(connecting?.code == .schema)
        #expect(connecting?.message.contains(words) == true)
    }

    @Test(arguments: ["", "DELETE FROM stampede.migrations"])
    func `a database that was not migrated is refused with the command to run`(change: String) throws {
        let ledger = try TestLedger(partitions: change.isEmpty ? nil : 4)
        if !change.isEmpty { _ = try ledger.sql(change) }
        let connection = ledger.makeConnection()
        let error = #expect(throws: LedgerError.self) { try ledger.answer { connection.connect($0) }.get() }
        #expect(error?.code == .schema)
        #expect(error?.message.contains("stampede migrate") == true)
    }

    private final class Results: @unchecked Sendable {
        // The lock guards the list.
        private let lock = NSLock()
        private var list: [Result<Int, any Error>] = []
        func add(_ result: Result<Int, any Error>) { lock.withLock { list.append(result) } }
        var all: [Result<Int, any Error>] { lock.withLock { list } }
    }
}
