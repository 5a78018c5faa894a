import Digests
import Foundation
import Ledger
import PostgresTestSupport
import Receipts
import Sales
import Synchronization
import Testing
import Wire
import ZeroMQ

/// A migrated database of one test's own, with an event loop to use it on.
final class TestLedger {
    /// One server for all tests that do not stop it. Ends with the process.
    private static let shared = Result { try PostgresServer() }
    private static let names = Atomic(0)

    let server: PostgresServer
    let database: String
    let loop = EventLoop()
    private var connections: [LedgerConnection] = []

    /// - Parameter server: the shared one, if nil.
    init(server: PostgresServer? = nil, partitions: Int? = 4) throws {
        self.server = try server ?? Self.shared.get()
        database = "ledger\(Self.names.wrappingAdd(1, ordering: .relaxed).newValue)"
        try self.server.execute("CREATE DATABASE \(database)")
        if let partitions { _ = try Migrator(dsn: dsn).migrate(partitions: partitions) }
    }

    deinit { for connection in connections { connection.close() } }

    var dsn: String { server.dsn(database) }

    func sql(_ text: String) throws -> String { try server.execute(text, in: database) }

    /// Calls something that answers on the loop, and waits for the answer.
    func answer<Value>(_ start: (@escaping (Value) -> Void) -> Void) throws -> Value {
        var found: Value?
        start { found = $0 }
        loop.run(atMost: .seconds(30)) { found != nil }
        return try #require(found, "no answer in 30 s")
    }

    func makeConnection(_ change: (inout LedgerConfiguration) -> Void = { _ in }) -> LedgerConnection {
        var configuration = LedgerConfiguration(dsn: dsn, name: "test")
        // The machine may be busy with other tests.
        configuration.connectTimeout = .seconds(10)
        change(&configuration)
        let connection = LedgerConnection(configuration: configuration, loop: loop)
        connections.append(connection)
        return connection
    }

    func connect(_ change: (inout LedgerConfiguration) -> Void = { _ in }) throws -> LedgerConnection {
        let connection = makeConnection(change)
        _ = try answer { connection.connect($0) }.get()
        return connection
    }

    func takeFence(_ partition: Int16, _ connection: LedgerConnection) throws -> Ownership {
        try answer { connection.takeFence(Partition(rawValue: partition), $0) }.get()
    }

    func commit(
        _ batches: [Batch], _ connection: LedgerConnection, signedBy signer: Signer? = TestLedger.signer
    ) throws -> CommitOutcome {
        try answer { connection.commit(batches, signedBy: signer, $0) }
    }

    static var signer: Signer {
        guard let key = SigningKey(seed: Array(repeating: 1, count: 32)) else {
            fatalError("32 bytes are a key")
        }
        return Signer(key)
    }

    func clock(_ connection: LedgerConnection) throws -> LedgerTime {
        try answer { connection.checkFences([], $0) }.get().clock
    }

    /// Takes the fence of a partition and commits a sale there.
    func openSale(
        _ sale: Int64, units: Int32, partition: Int16 = 0, _ connection: LedgerConnection
    ) throws -> Owner {
        let owned = try takeFence(partition, connection)
        var owner = Owner(owned: owned, sale: SaleID(rawValue: sale), now: try clock(connection))
        let outcome = try commit([owner.next([owner.creation(units: units)])], connection)
        guard case .committed = outcome else { throw Unexpected(outcome: outcome) }
        return owner
    }

    /// Another session that stands between the lock and the commit, for as long as the test wants.
    func holdRow(name: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "PGAPPNAME=\(name)", "psql", "-X", "-q", dsn, "-c",
            """
            BEGIN; UPDATE stampede.partitions SET batch = batch + 1 WHERE partition = 0;
            SELECT pg_sleep(60); COMMIT
            """,
        ]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        try wait(
            until: """
                SELECT count(*) = 1 FROM pg_stat_activity
                WHERE wait_event = 'PgSleep' AND application_name = '\(name)' AND datname = current_database()
                """)
        return process
    }

    /// Asks again and again, without turning the loop, until the answer is true.
    func wait(until question: String) throws {
        for _ in 0..<1_000 {
            if try sql(question) == "t" { return }
        }
        throw PostgresServer.Failure("never became true: \(question)")
    }

    struct Unexpected: Error { let outcome: CommitOutcome }
}

/// Makes the batches of one partition with one sale, as its owner would.
struct Owner {
    var partition: Partition
    var fence: Fence
    var batch: Int64
    var last: Int64
    let sale: SaleID
    var now: LedgerTime
    let terms: SaleTerms
    /// Of the last batch's seal.
    var digest: Digest
    private var keys: UInt128 = 0

    init(owned: Ownership, sale: SaleID, now: LedgerTime) {
        partition = owned.partition
        fence = owned.fence
        batch = owned.batch
        last = owned.last
        digest = owned.digest ?? .zero
        self.sale = sale
        self.now = now
        terms = SaleTerms(
            name: "Überraschung \"1\"", price: 995, currency: "EUR", limit: 3,
            opensAt: LedgerTime(rawValue: now.rawValue - 60_000_000),
            closesAt: LedgerTime(rawValue: now.rawValue + 3_600_000_000))
    }

    func creation(units: Int32) -> Entry { entry(.saleCreated, quantity: units, terms: terms) }

    mutating func order(buyer: Int64, quantity: Int32 = 1) -> Entry {
        keys += 1
        var entry = entry(.orderPlaced, quantity: quantity)
        entry.buyer = BuyerID(rawValue: buyer)
        entry.key = RequestKey(rawValue: (1 << 100) + keys)
        entry.amount = Int64(quantity) * terms.price
        return entry
    }

    func entry(_ kind: Entry.Kind, quantity: Int32 = 0, terms: SaleTerms? = nil) -> Entry {
        Entry(
            kind: kind, sequence: 0, sale: sale, lane: .only, buyer: .operators,
            key: RequestKey(rawValue: UInt128(kind.rawValue)), quantity: quantity, at: now, terms: terms)
    }

    /// The next batch, its entries numbered. Counts as written; keep a copy of the owner to go back.
    mutating func next(_ entries: [Entry]) -> Batch {
        batch += 1
        var numbered = entries
        for index in numbered.indices {
            last += 1
            numbered[index].sequence = last
        }
        var made = Batch(partition: partition, fence: fence, number: batch, entries: numbered)
        made.seal(after: digest, in: Incarnation(systemIdentifier: .max, timeline: 1))
        digest = made.seal?.digest ?? digest
        return made
    }
}

extension CommitOutcome {
    var isCommitted: Bool { if case .committed = self { true } else { false } }
    var fencedPartitions: [Int16]? {
        if case .fenced(let found) = self { found.map(\.rawValue) } else { nil }
    }
    var stalePartitions: [Int16]? { if case .stale(let found) = self { found.map(\.rawValue) } else { nil } }
    var refusal: LedgerError? { if case .refused(let error) = self { error } else { nil } }
    var failure: LedgerError? { if case .failed(let error) = self { error } else { nil } }
    var isUnknown: Bool { if case .unknown = self { true } else { false } }
}
