import Digests
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
        #expect(report.checks.count == 19)
        #expect(report.checks.allSatisfy { $0.rows > 0 })
        #expect(
            Set(report.checks.map(\.promise)) == [
                "P1", "P3", "P4", "P5", "P6", "life", "sequence", "waiting", "receipts",
            ])
    }

    /// A sale of 10 units whose order 2 is paid, 3 expired, 4 cancelled, 5 paid late and sent back, 6 failed to pay once.
    private func live() throws -> TestLedger {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 10, connection)
        func about(_ order: Int64, _ kind: Entry.Kind, units: Int32 = 0, attempt: UInt128 = 0) -> Entry {
            var entry = owner.entry(kind, quantity: units)
            (entry.about, entry.buyer) = (order, BuyerID(rawValue: order))
            if attempt != 0 { entry.key = RequestKey(rawValue: attempt) }
            return entry
        }
        var revoked = about(5, .refundBegun, attempt: 5)
        revoked.note = EntryNote(actor: "ada", reason: "a mistake")
        let batches = [
            (2...6).map { owner.order(buyer: $0) },
            [
                about(2, .paymentBegun, attempt: 2), about(2, .paymentTaken, attempt: 2),
                about(3, .orderExpired, units: 1), about(4, .orderCancelled, units: 1),
                about(5, .paymentBegun, attempt: 5), about(5, .orderExpired, units: 1),
                about(5, .paymentTakenLate, units: 1, attempt: 5), revoked,
                about(5, .refundDone, units: 1, attempt: 5), about(6, .paymentBegun, attempt: 6),
                about(6, .paymentFailed, attempt: 6), about(2, .surplusOwed, attempt: 99),
                about(2, .surplusReturned, attempt: 99), owner.entry(.unitsWithdrawn, quantity: 2),
            ],
        ]
        for entries in batches {
            #expect(try ledger.commit([owner.next(entries)], connection).isCommitted)
        }
        return ledger
    }

    @Test func `a ledger in which orders live is clean, and tells where they are`() throws {
        let ledger = try live()
        let report = try Audit.run(dsn: ledger.dsn)
        #expect(report.isClean, "\(report.checks.filter { !$0.holds })")
        #expect(try ledger.sql("SELECT remaining FROM stampede.stock") == "6")
        #expect(
            try ledger.sql("SELECT id || ' ' || state FROM stampede.order_states ORDER BY id")
                == "0-2 paid\n0-3 expired\n0-4 cancelled\n0-5 refunded\n0-6 reserved")
        #expect(
            try ledger.sql("SELECT about || ' ' || note::text FROM stampede.ledger WHERE note IS NOT NULL")
                == #"5 {"actor": "ada", "reason": "a mistake"}"#)
    }

    @Test(
        arguments: [
            ("UPDATE stampede.ledger SET kind = 20 WHERE seq = 9", "an order that expired is paid in time"),
            ("UPDATE stampede.ledger SET about = 4 WHERE seq = 9", "another buyer's order expires"),
            ("UPDATE stampede.ledger SET about = 1 WHERE seq = 9", "no order expires"),
            ("UPDATE stampede.ledger SET quantity = 0 WHERE seq = 10", "a cancelled order keeps its units"),
            ("UPDATE stampede.ledger SET quantity = 1 WHERE seq = 8", "units come with money"),
            ("DELETE FROM stampede.ledger WHERE seq = 7", "money comes that nobody began to pay"),
            ("UPDATE stampede.ledger SET kind = 25 WHERE seq = 14", "money goes back that is not owed"),
        ])
    func `an order's life that does not follow is found`(sql: String, what: String) throws {
        let ledger = try live()
        _ = try ledger.sql("ALTER TABLE stampede.ledger DISABLE TRIGGER USER; \(sql)")
        let report = try Audit.run(dsn: ledger.dsn)
        #expect(report.checks.contains { $0.promise == "life" && !$0.holds }, "\(what)")
    }

    /// A sale of 3 units, all sold in entry 2. Buyers 2 (two units), 3, 4 and 5 wait in 3 to 6; a unit that comes back in 7
    /// goes to buyer 3 in 8, for buyer 2 wants more; buyer 4 gives up in 9; two more go to buyer 2 in 11; 5 waits on.
    private func waited() throws -> TestLedger {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 3, connection)
        func wait(_ buyer: Int64, _ quantity: Int32) -> Entry {
            var entry = owner.entry(.waitBegun, quantity: quantity)
            (entry.buyer, entry.key) = (
                BuyerID(rawValue: buyer), RequestKey(rawValue: UInt128(500 + buyer))
            )
            return entry
        }
        func end(_ kind: Entry.Kind, _ wait: Entry, _ sequence: Int64) -> Entry {
            var entry = owner.entry(kind, quantity: kind == .orderPlaced ? wait.quantity : 0)
            (entry.buyer, entry.key, entry.about) = (wait.buyer, wait.key, sequence)
            return entry
        }
        let waits = [wait(2, 2), wait(3, 1), wait(4, 1), wait(5, 1)]
        let entries =
            [owner.order(buyer: 1, quantity: 3)] + waits + [
                owner.entry(.unitsAdded, quantity: 1), end(.orderPlaced, waits[1], 4),
                end(.keyVoided, waits[2], 5), owner.entry(.unitsAdded, quantity: 2),
                end(.orderPlaced, waits[0], 3),
            ]
        let outcome = try ledger.commit([owner.next(entries)], connection)
        #expect(outcome.isCommitted)
        return ledger
    }

    @Test func `a waiting list that was served in turn is clean`() throws {
        let report = try Audit.run(dsn: try waited().dsn)
        #expect(report.isClean, "\(report.checks.filter { !$0.holds })")
    }

    @Test(
        arguments: [
            ("SET key = gen_random_uuid() WHERE seq = 8", "an order with another key than the wait"),
            ("SET about = 5 WHERE seq = 8", "two ends of one wait"),
            ("SET about = 2 WHERE seq = 9", "the end of what is no wait"),
            ("SET quantity = 2 WHERE seq = 8", "more units than were waited for"),
            ("SET about = NULL WHERE seq = 8", "somebody who did not wait"),
            ("SET quantity = 1 WHERE seq = 3", "a first in line who was passed over"),
            (
                "SET (about, buyer, key) = (SELECT 6, buyer, key FROM stampede.ledger WHERE seq = 6) WHERE seq = 8",
                "a last in line who was served first"
            ),
        ])
    func `a waiting list that was not served in turn is found`(sql: String, what: String) throws {
        let ledger = try waited()
        _ = try ledger.sql("ALTER TABLE stampede.ledger DISABLE TRIGGER USER; UPDATE stampede.ledger \(sql)")
        let report = try Audit.run(dsn: ledger.dsn)
        #expect(report.checks.contains { $0.promise == "waiting" && !$0.holds }, "\(what)")
    }

    @Test func `the limit is the one in force at an order's place`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 10, connection)
        var lower = owner.entry(.limitChanged, quantity: 1)
        lower.terms = owner.terms.with(limit: 1)
        let entries = [owner.order(buyer: 1, quantity: 2), lower, owner.order(buyer: 2)]
        #expect(try ledger.commit([owner.next(entries)], connection).isCommitted)
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
        #expect(try ledger.commit([owner.next([owner.order(buyer: 2)])], connection).isCommitted)
        let broken = try Audit.run(dsn: ledger.dsn).checks.filter { !$0.holds }
        #expect(broken.map(\.promise) == ["P4"])
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
        let broken = report.checks.filter { !$0.holds && $0.promise != "receipts" }
        let words = broken.map { "\($0.promise) \($0.sentence)" }
        #expect(!report.isClean)
        #expect(broken.allSatisfy { !$0.examples.isEmpty && $0.examples.count <= 5 })
        for expected in found { #expect(words.contains { $0.hasPrefix(expected) }, "\(words)") }
        #expect(words.count == found.count, "\(words)")
    }

    /// What is planted in the seals of `sellSome`, or beside them, and which of the three checks must find it.
    static let tampering: [(what: String, sql: String, found: Set<String>)] = [
        ("a changed entry", "UPDATE stampede.ledger SET buyer = 9 WHERE seq = 2", ["has the entries"]),
        (
            "a changed note",
            "UPDATE stampede.ledger SET note = '{\"actor\": \"a\", \"reason\": \"b\"}' WHERE seq = 2",
            ["has the entries"]
        ),
        ("unreadable terms", "UPDATE stampede.ledger SET terms = '{}' WHERE seq = 1", ["has the entries"]),
        (
            "a swapped pair",
            """
            UPDATE stampede.ledger SET seq = 99 WHERE seq = 2; UPDATE stampede.ledger SET seq = 2 WHERE seq = 3;
            UPDATE stampede.ledger SET seq = 3 WHERE seq = 99
            """, ["has the entries"]
        ),
        ("an entry that is gone", "DELETE FROM stampede.ledger WHERE seq = 5", ["has the entries"]),
        (
            "a removed batch",
            """
            DELETE FROM stampede.ledger WHERE seq IN (2, 3); DELETE FROM stampede.batches WHERE batch = 2;
            DELETE FROM stampede.seals WHERE batch = 2
            """, ["names the one before"]
        ),
        ("a batch without its row", "DELETE FROM stampede.batches WHERE batch = 2", ["names the one before"]),
        ("a batch without its seal", "DELETE FROM stampede.seals WHERE batch = 2", ["names the one before"]),
        (
            "the first seals taken away", "DELETE FROM stampede.seals WHERE batch IN (1, 2)",
            ["names the one before"]
        ),
        (
            "a changed fence", "UPDATE stampede.batches SET fence = 7 WHERE batch = 2",
            ["names the one before", "signature"]
        ),
        (
            "a changed root", "UPDATE stampede.seals SET root = previous WHERE batch = 3",
            ["has the entries", "names the one before", "signature"]
        ),
        (
            "a changed link", "UPDATE stampede.seals SET previous = root WHERE batch = 3",
            ["names the one before", "signature"]
        ),
        (
            "a changed digest", "UPDATE stampede.seals SET digest = root WHERE batch = 1",
            ["names the one before"]
        ),
        (
            "a forged signature",
            "UPDATE stampede.seals SET signature = set_byte(signature, 10, 255 - get_byte(signature, 10)) WHERE batch = 2",
            ["signature"]
        ),
        (
            "another batch's signature",
            "UPDATE stampede.seals SET signature = (SELECT signature FROM stampede.seals WHERE batch = 1) WHERE batch = 2",
            ["signature"]
        ),
        (
            "no signature", "UPDATE stampede.seals SET signature = NULL, key = NULL WHERE batch = 2",
            ["signature"]
        ),
        ("a key that nobody knows", "DELETE FROM stampede.receipt_keys", ["signature"]),
        (
            "a false key", "UPDATE stampede.receipt_keys SET public = sha256(public)", ["signature"]
        ),
        (
            "another place in the transaction", "UPDATE stampede.seals SET size = 2 WHERE batch = 2",
            ["signature"]
        ),
    ]

    @Test(arguments: tampering) func `tampering is found by the seals`(
        what: String, sql: String, found: Set<String>
    )
        throws
    {
        let ledger = try sellSome()
        _ = try ledger.sql("SET session_replication_role = replica; \(sql)")
        let report = try Audit.run(dsn: ledger.dsn)
        let broken = report.checks.filter { !$0.holds && $0.promise == "receipts" }
        #expect(broken.count == found.count, "\(what): \(broken)")
        for words in found { #expect(broken.contains { $0.sentence.contains(words) }, "\(what): \(broken)") }
    }

    @Test func `an auditor who brings the keys trusts no others`() throws {
        let ledger = try sellSome()
        let own = TestLedger.signer.publicKey
        #expect(try Audit.run(dsn: ledger.dsn, trusting: [own]).isClean)
        let other = try #require(SigningKey()).publicKey
        let broken = try Audit.run(dsn: ledger.dsn, trusting: [other]).checks.filter { !$0.holds }
        #expect(broken.map(\.violations) == [3])
        #expect(broken.first?.examples.first?.contains("\(own.id), which is not trusted") == true)
        #expect(try Audit.run(dsn: ledger.dsn, trusting: [other, own]).isClean)
    }

    @Test func `a whole history that was made anew is found by who brings the keys`() throws {
        let ledger = try sellSome()
        // Without its seals the ledger looks like one from before there were any.
        _ = try ledger.sql("SET session_replication_role = replica; DELETE FROM stampede.seals")
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
        let connection = try ledger.connect()
        var owner = Owner(
            owned: try ledger.takeFence(0, connection), sale: SaleID(rawValue: 7),
            now: try ledger.clock(connection))
        #expect(owner.digest == .zero)
        #expect(
            try ledger.commit([owner.next([owner.order(buyer: 5)])], connection, signedBy: nil).isCommitted)
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
        let report = try Audit.run(dsn: ledger.dsn, trusting: [TestLedger.signer.publicKey])
        #expect(
            report.checks.filter { !$0.holds }.map(\.sentence) == [
                "Every seal is signed with a key that was given."
            ])
    }
}
