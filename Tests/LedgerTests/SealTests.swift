import Digests
import Ledger
import Receipts
import Sales
import Testing

@Suite struct SealTests {
    private let signer = TestLedger.signer

    private func receipt(
        _ ledger: TestLedger, _ connection: LedgerConnection, _ sequence: Int64, partition: Int16 = 0
    ) throws -> Receipt? {
        let partition = Partition(rawValue: partition)
        let sealed = try ledger.answer { connection.seal(of: sequence, in: partition, $0) }.get()
        guard let sealed else { return nil }
        let entries = try ledger.answer {
            connection.loadEntries(
                of: partition, after: sealed.header.first - 1, limit: sealed.header.count, $0)
        }.get()
        return sealed.receipt(for: sequence, of: entries)
    }

    @Test func `each entry of the ledger has a receipt that holds`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var first = try ledger.openSale(7, units: 50, connection)
        var second = try ledger.openSale(8, units: 50, partition: 2, connection)
        // Two partitions in one transaction, under one signature.
        let orders = (1...5).map { first.order(buyer: $0) }
        var ended = first.entry(.orderCancelled, quantity: 1)
        (ended.about, ended.buyer) = (2, BuyerID(rawValue: 1))
        ended.note = EntryNote(actor: "ada", reason: "a mistake, \"again\"")
        let batches = [first.next(orders + [ended]), second.next([second.order(buyer: 9)])]
        #expect(try ledger.commit(batches, connection).isCommitted)
        for (partition, sequences) in [(Int16(0), Int64(1)...7), (2, 1...2)] {
            for sequence in sequences {
                let receipt = try #require(try receipt(ledger, connection, sequence, partition: partition))
                let leaf = try receipt.check(trusting: [signer.publicKey])
                #expect(leaf.entry.sequence == sequence && leaf.partition.rawValue == partition)
                #expect(receipt.size == (sequence == 1 ? 1 : 2))
            }
        }
        #expect(try receipt(ledger, connection, 8) == nil)
        #expect(try receipt(ledger, connection, 1, partition: 1) == nil)
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
    }

    @Test func `a seal that does not follow is refused, and the new fence tells what it must follow`() throws
    {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 50, connection)
        let last = owner.digest
        owner.digest = .zero
        let copy = owner
        let batch = owner.next([owner.order(buyer: 1)])
        #expect(try ledger.commit([batch], connection).fencedPartitions == [0])
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "1")
        let renewed = try ledger.answer { connection.renewFences([(owner.partition, owner.fence)], $0) }.get()
        #expect(renewed.first?.digest == last)
        owner = copy
        (owner.fence, owner.digest) = (Fence(rawValue: 2), try #require(renewed.first?.digest))
        #expect(try ledger.commit([owner.next([owner.order(buyer: 1)])], connection).isCommitted)
    }

    @Test func `keys are listed with the first signature, and may change`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 50, connection)
        let other = Signer(try #require(SigningKey(seed: Array(repeating: 2, count: 32))))
        #expect(
            try ledger.commit([owner.next([owner.order(buyer: 1)])], connection, signedBy: other).isCommitted)
        let listed = try ledger.sql(
            "SELECT encode(key, 'hex'), encode(public, 'hex') FROM stampede.receipt_keys ORDER BY 1")
        let expected = [signer.publicKey, other.publicKey].map { "\($0.id)|\($0)" }.sorted()
        #expect(listed == expected.joined(separator: "\n"))
        #expect(throws: ReceiptFlaw.unknownKey(other.id)) {
            try receipt(ledger, connection, 2)?.check(trusting: [signer.publicKey])
        }
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
    }

    @Test func `without a key there are seals, and receipts that say that nobody signed`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let owned = try ledger.takeFence(0, connection)
        var owner = Owner(owned: owned, sale: SaleID(rawValue: 7), now: try ledger.clock(connection))
        let batch = owner.next([owner.creation(units: 5)])
        #expect(try ledger.commit([batch], connection, signedBy: nil).isCommitted)
        #expect(throws: ReceiptFlaw.unsigned) {
            try receipt(ledger, connection, 1)?.check(trusting: [signer.publicKey])
        }
        let report = try Audit.run(dsn: ledger.dsn)
        #expect(report.isClean)
        #expect(report.checks.suffix(3).map(\.rows) == [1, 1, 0])
    }

    @Test func `batches from before there were seals have no receipt, and the chain begins behind them`()
        throws
    {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 50, connection)
        _ = try ledger.sql("SET session_replication_role = replica; DELETE FROM stampede.seals")
        let owned = try ledger.takeFence(0, connection)
        #expect(owned.digest == nil)
        (owner.fence, owner.digest) = (owned.fence, .zero)
        #expect(try ledger.commit([owner.next([owner.order(buyer: 1)])], connection).isCommitted)
        #expect(try receipt(ledger, connection, 1) == nil)
        #expect(
            try receipt(ledger, connection, 2)?.check(trusting: [signer.publicKey]).entry.buyer.rawValue == 1)
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
    }

    @Test func `seals are written once`() throws {
        let ledger = try TestLedger()
        _ = try ledger.openSale(7, units: 50, try ledger.connect())
        for table in ["seals", "receipt_keys"] {
            #expect(throws: (any Error).self) { try ledger.sql("DELETE FROM stampede.\(table)") }
            #expect(try ledger.sql("SELECT count(*) FROM stampede.\(table)") == "1")
        }
    }
}
