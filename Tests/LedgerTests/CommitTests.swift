import Ledger
import Sales
import Testing
import Wire
import ZeroMQ

@Suite struct CommitTests {
    @Test func `what is committed is loaded again as it was`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 10, connection)
        let batch = owner.next([
            owner.order(buyer: 1, quantity: 2), owner.order(buyer: 2), owner.entry(.keyVoided),
        ])
        let outcome = try ledger.commit([batch], connection)
        #expect(outcome.isCommitted)

        let entries = try ledger.answer {
            connection.loadEntries(of: owner.partition, after: 0, limit: 100, $0)
        }
        .get()
        #expect(entries.count == 4)
        #expect(entries[0].terms == owner.terms)
        #expect(entries[0].kind == .saleCreated)
        #expect(Array(entries[1...]) == batch.entries)
        #expect(try ledger.sql("SELECT remaining FROM stampede.stock") == "7")
        #expect(
            try ledger.sql(
                "SELECT id, quantity, amount, currency, state FROM stampede.order_states ORDER BY id")
                == "0-2|2|1990|EUR|reserved\n0-3|1|995|EUR|reserved")
        #expect(
            try ledger.sql("SELECT fence, batch, last FROM stampede.partitions WHERE partition = 0")
                == "1|2|4")
    }

    @Test func `what is about an order, and notes and terms, are loaded as they were written`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 10, connection)
        var begun = owner.entry(.paymentBegun)
        (begun.about, begun.buyer, begun.amount) = (2, BuyerID(rawValue: 1), 995)
        var paused = owner.entry(.salePaused)
        paused.terms = SaleTerms(
            name: "x", price: 1, currency: "EUR", limit: 9, opensAt: owner.terms.opensAt, closesAt: nil,
            hold: 60,
            payment: 7, isPaused: true)
        paused.note = EntryNote(actor: "ada “the first”", reason: "why\u{1f642}")
        // Of several batches in one transaction only some have what is rare.
        var other = try ledger.openSale(8, units: 5, partition: 1, connection)
        let batches = [
            owner.next([owner.order(buyer: 1), begun, paused]), other.next([other.order(buyer: 3)]),
        ]
        #expect(try ledger.commit(batches, connection).isCommitted)
        for batch in batches {
            let entries = try ledger.answer {
                connection.loadEntries(of: batch.partition, after: 1, limit: 100, $0)
            }.get()
            #expect(entries == batch.entries)
        }
    }

    @Test func `the clock of a commit is that of its batch`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 1, connection)
        guard case .committed(let at) = try ledger.commit([owner.next([owner.order(buyer: 1)])], connection)
        else {
            Issue.record("not committed")
            return
        }
        let stamped = try ledger.sql(
            "SELECT (extract(epoch FROM at) * 1000000)::bigint FROM stampede.batches WHERE batch = 2")
        #expect(stamped == String(at.rawValue))
    }

    @Test func `one foreign fence stops the whole transaction and is named alone`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owners = try [0, 1, 2, 3].map {
            try ledger.openSale(Int64(10 + $0), units: 5, partition: Int16($0), connection)
        }
        owners[1].fence = Fence(rawValue: owners[1].fence.rawValue + 1)
        owners[3].fence = Fence(rawValue: 0)
        let batches = owners.indices.map { owners[$0].next([owners[$0].order(buyer: 1)]) }
        #expect(try ledger.commit(batches, connection).fencedPartitions == [1, 3])
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "4")
        #expect(try ledger.sql("SELECT count(*) FROM stampede.batches") == "4")
        #expect(try ledger.sql("SELECT DISTINCT remaining FROM stampede.stock") == "5")
        #expect(try ledger.commit([batches[0], batches[2]], connection).isCommitted)
    }

    @Test(arguments: [(1, 0), (-1, 0), (0, 1), (0, -1)])
    func `a batch that is not the next one is fenced`(number: Int64, sequence: Int64) throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        owner.batch += number
        owner.last += sequence
        #expect(try ledger.commit([owner.next([owner.order(buyer: 1)])], connection).fencedPartitions == [0])
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "1")
    }

    @Test func `a partition that does not exist is fenced`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        owner.partition = Partition(rawValue: 99)
        #expect(try ledger.commit([owner.next([owner.order(buyer: 1)])], connection).fencedPartitions == [99])
    }

    @Test(arguments: [-5_500_000 as Int64, 600_000])
    func `a decision that is too old or ahead is stale`(offset: Int64) throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        let now = try ledger.clock(connection)
        let good = owner.order(buyer: 1)
        owner.now = LedgerTime(rawValue: now.rawValue + offset)
        let bad = owner.order(buyer: 2)
        #expect(try ledger.commit([owner.next([good, bad])], connection).stalePartitions == [0])
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "1")
    }

    @Test func `an oversell is refused and the stock untouched`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        let before = owner
        let outcome = try ledger.commit([owner.next([owner.order(buyer: 1, quantity: 6)])], connection)
        #expect(outcome.refusal?.sqlState?.rawValue == "23514")
        #expect(try ledger.sql("SELECT remaining FROM stampede.stock") == "5")
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "1")
        owner = before
        #expect(try ledger.commit([owner.next([owner.order(buyer: 1, quantity: 5)])], connection).isCommitted)
        #expect(try ledger.sql("SELECT remaining FROM stampede.stock") == "0")
    }

    @Test func `an order for a sale of another partition is refused`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        _ = try ledger.openSale(7, units: 5, connection)
        let owned = try ledger.takeFence(1, connection)
        var owner = Owner(owned: owned, sale: SaleID(rawValue: 7), now: try ledger.clock(connection))
        let outcome = try ledger.commit([owner.next([owner.order(buyer: 1)])], connection)
        #expect(outcome.refusal?.sqlState?.rawValue == "23503")
    }

    @Test func `a sale is created once`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        let outcome = try ledger.commit([owner.next([owner.creation(units: 5)])], connection)
        #expect(outcome.refusal?.sqlState?.class == "23")
    }

    @Test func `units added and orders of one transaction change the stock once`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 1, connection)
        let batch = owner.next([
            owner.entry(.unitsAdded, quantity: 4), owner.order(buyer: 1, quantity: 3), owner.order(buyer: 2),
        ])
        #expect(try ledger.commit([batch], connection).isCommitted)
        #expect(try ledger.sql("SELECT remaining FROM stampede.stock") == "1")
    }

    @Test func `terms with a character that cannot be stored are refused`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let owned = try ledger.takeFence(0, connection)
        var owner = Owner(owned: owned, sale: SaleID(rawValue: 7), now: try ledger.clock(connection))
        let terms = SaleTerms(
            name: "a\0b", price: 1, currency: "EUR", limit: 1, opensAt: owner.now, closesAt: nil)
        let outcome = try ledger.commit(
            [owner.next([owner.entry(.saleCreated, quantity: 1, terms: terms)])], connection)
        #expect(outcome.refusal?.sqlState?.class == "22")
    }

    @Test(arguments: [
        "UPDATE stampede.ledger SET quantity = 1", "DELETE FROM stampede.ledger", "TRUNCATE stampede.ledger",
        "DELETE FROM stampede.batches",
    ])
    func `nobody changes what was written`(statement: String) throws {
        let ledger = try TestLedger()
        let failure = #expect(throws: (any Error).self) { try ledger.sql(statement) }
        #expect("\(String(describing: failure))".contains("append-only"))
    }

    @Test func `large transactions go through in one piece`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 10_000, connection)
        for _ in 0..<2 {
            owner.now = try ledger.clock(connection)
            let batch = owner.next((0..<4_096).map { owner.order(buyer: Int64($0)) })
            #expect(try ledger.commit([batch], connection).isCommitted)
        }
        #expect(try ledger.sql("SELECT remaining FROM stampede.stock") == String(10_000 - 2 * 4_096))
        var loaded: [Entry] = []
        while true {
            let chunk = try ledger.answer {
                connection.loadEntries(of: owner.partition, after: Int64(loaded.count), limit: 1_000, $0)
            }.get()
            guard !chunk.isEmpty else { break }
            #expect(chunk.count <= 1_000)
            loaded += chunk
        }
        #expect(loaded.map(\.sequence) == Array(1...8_193))
    }

    @Test func `more requests than the queue holds are refused unsent`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var results: [Result<(fences: [Ownership], clock: LedgerTime), LedgerError>] = []
        let count = LedgerConnection.queueLimit + 3
        for _ in 0..<count { connection.checkFences([]) { results.append($0) } }
        #expect(results.isEmpty)
        ledger.loop.run(atMost: .seconds(30)) { results.count == count }
        let refused = results.filter {
            if case .failure(let error) = $0 { error.code == .busy } else { false }
        }
        #expect(refused.count == 2)
        #expect(results.count == count)
    }
}
