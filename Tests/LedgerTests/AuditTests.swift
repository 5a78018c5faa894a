import Ledger
import Sales
import Testing

@Suite struct AuditTests {
    /// A sale of 10 + 4 units with three orders and a void, in three batches of partition 0: entries 1 to 6.
    private func sellSome() throws -> TestLedger {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 10, connection)
        let outcomes = [
            try ledger.commit(
                [owner.next([owner.order(buyer: 1, quantity: 2), owner.order(buyer: 2)])], connection),
            try ledger.commit(
                [
                    owner.next([
                        owner.entry(.unitsAdded, quantity: 4), owner.entry(.keyVoided), owner.order(buyer: 3),
                    ])
                ], connection),
        ]
        #expect(outcomes.allSatisfy { $0.isCommitted })
        return ledger
    }

    @Test func `a ledger that was written by the rules is clean`() throws {
        let ledger = try sellSome()
        let report = try Audit.run(dsn: ledger.dsn)
        #expect(report.isClean, "\(report.checks.filter { !$0.holds })")
        #expect(report.entries == 6)
        #expect(report.checks.count == 13)
        #expect(report.checks.allSatisfy { $0.rows > 0 })
        #expect(Set(report.checks.map(\.promise)) == ["P1", "P3", "P4", "P5", "P6", "sequence"])
    }

    @Test func `an empty ledger is clean`() throws {
        let ledger = try TestLedger()
        let report = try Audit.run(dsn: ledger.dsn)
        #expect(report.isClean)
        #expect(report.entries == 0)
    }

    @Test func `a database without the schema is refused`() throws {
        let ledger = try TestLedger(partitions: nil)
        let error = #expect(throws: LedgerError.self) { try Audit.run(dsn: ledger.dsn) }
        #expect(error?.code == .schema)
    }

    /// What is planted, and the first words of the checks that must find it, with the promise before them.
    static let plants: [(sql: String, found: [String])] = [
        ("UPDATE stampede.stock SET remaining = remaining + 1", ["P1 Units left"]),
        ("DELETE FROM stampede.stock", ["P1 Units left"]),
        (
            "UPDATE stampede.ledger SET quantity = CASE seq WHEN 1 THEN 2 ELSE 12 END WHERE seq IN (1, 4)",
            ["P1 At no place"]
        ),
        (
            """
            UPDATE stampede.ledger l SET buyer = o.buyer, key = o.key FROM stampede.ledger o
            WHERE l.seq = 6 AND o.seq = 3
            """, ["P3 No request key of"]
        ),
        (
            """
            UPDATE stampede.ledger l SET buyer = o.buyer, key = o.key FROM stampede.ledger o
            WHERE l.seq = 5 AND o.seq = 6
            """, ["P3 No request key that"]
        ),
        ("UPDATE stampede.ledger SET buyer = 1 WHERE kind = 16", ["P4 No buyer"]),
        (
            "UPDATE stampede.ledger SET terms = jsonb_set(terms, '{closes}', to_jsonb(at)) WHERE seq = 1",
            ["P5 Every order"]
        ),
        ("UPDATE stampede.ledger SET terms = NULL WHERE seq = 1", ["P4 No buyer", "P5 Every order"]),
        (
            "UPDATE stampede.batches SET at = at - interval '2 minutes' WHERE batch = 2",
            ["P5 No order was written", "P5 No decision is more than 100 ms"]
        ),
        (
            "UPDATE stampede.ledger SET at = at + 10000000 WHERE seq = 3",
            ["P5 No decision is more than 100 ms"]
        ),
        (
            "UPDATE stampede.batches SET at = at + interval '6 s' WHERE batch = 3",
            ["P5 No decision is more than 5 s"]
        ),
        (
            "UPDATE stampede.batches SET batch = 4 WHERE batch = 3",
            ["P6 Batches are", "P6 Each partition"]
        ),
        (
            "UPDATE stampede.batches SET last = 2 WHERE batch = 2",
            ["P6 Batches are", "sequence Each entry"]
        ),
        ("UPDATE stampede.batches SET fence = 0 WHERE batch = 2", ["P6 No batch"]),
        ("UPDATE stampede.partitions SET fence = 0", ["P6 Each partition"]),
        ("UPDATE stampede.partitions SET last = 7 WHERE partition = 0", ["P6 Each partition"]),
        ("DELETE FROM stampede.ledger WHERE kind = 17", ["sequence Each entry"]),
        (
            """
            INSERT INTO stampede.ledger (partition, seq, kind, sale, lane, buyer, key, quantity, amount, at)
            SELECT partition, 7, 17, sale, lane, 9, key, 0, 0, at FROM stampede.ledger WHERE seq = 6
            """, ["sequence Each entry"]
        ),
    ]

    @Test(arguments: plants) func `a planted violation is found`(sql: String, found: [String]) throws {
        let ledger = try sellSome()
        // The triggers that refuse changes do not fire for a replica; only a superuser can pose as one.
        _ = try ledger.sql("SET session_replication_role = replica; \(sql)")
        let report = try Audit.run(dsn: ledger.dsn)
        let broken = report.checks.filter { !$0.holds }
        let words = broken.map { "\($0.promise) \($0.sentence)" }
        #expect(!report.isClean)
        #expect(broken.allSatisfy { !$0.examples.isEmpty && $0.examples.count <= 5 })
        for expected in found { #expect(words.contains { $0.hasPrefix(expected) }, "\(words)") }
        #expect(words.count == found.count, "\(words)")
    }
}
