import Digests
import Foundation
import Ledger
import Logging
import PostgresTestSupport
import Receipts
import Relay
import Sales
import SeededTestSupport
import Synchronization
import Testing
import Wire
import ZeroMQ

/// A ledger of a test's own, and the owner of all its partitions, who lets orders live on at random.
final class TestShop {
    private static let shared = Result { try PostgresServer() }
    private static let names = Atomic(0)

    let server: PostgresServer
    let database: String
    private let loop = EventLoop()
    private var connection: LedgerConnection
    private var owners: [PartitionOwner] = []
    private var random: SeededGenerator
    private(set) var entries = 0

    init(server: PostgresServer? = nil, partitions: Int = 3, seed: UInt64 = 1) throws {
        self.server = try server ?? Self.shared.get()
        database = "shop\(Self.names.wrappingAdd(1, ordering: .relaxed).newValue)"
        random = SeededGenerator(seed: seed)
        try self.server.execute("CREATE DATABASE \(database)")
        let dsn = self.server.dsn(database)
        _ = try Migrator(dsn: dsn).migrate(partitions: partitions)
        connection = LedgerConnection(
            configuration: LedgerConfiguration(dsn: dsn, name: "test", connectTimeout: .seconds(10)),
            loop: loop)
        _ = try answer { connection.connect($0) }.get()
        let now = try clock()
        for partition in 0..<Int16(partitions) {
            let owned = try answer { connection.takeFence(Partition(rawValue: partition), $0) }.get()
            owners.append(PartitionOwner(owned, sale: SaleID(rawValue: 100 + Int64(partition)), now: now))
            try commit(partition: Int(partition), [owners[Int(partition)].creation()])
        }
    }

    deinit { connection.close() }

    var dsn: String { server.dsn(database) }

    func sql(_ text: String) throws -> String { try server.execute(text, in: database) }

    func answer<Value>(_ start: (@escaping (Value) -> Void) -> Void) throws -> Value {
        var found: Value?
        start { found = $0 }
        loop.run(atMost: .seconds(30)) { found != nil }
        return try #require(found, "no answer in 30 s")
    }

    private func clock() throws -> LedgerTime { try answer { connection.checkFences([], $0) }.get().clock }

    /// Commits so many more entries, spread over partitions and orders.
    func trade(_ count: Int, batch size: Int = 20) throws {
        var left = count
        while left > 0 {
            let now = try clock()
            let partition = Int.random(in: 0..<owners.count, using: &random)
            var batch: [Entry] = []
            for _ in 0..<min(size, left) {
                batch.append(owners[partition].something(at: now, &random))
            }
            left -= batch.count
            try commit(partition: partition, batch)
        }
    }

    private func commit(partition: Int, _ batch: [Entry]) throws {
        let outcome = try answer { connection.commit([owners[partition].batch(batch)], $0) }
        guard case .committed = outcome else { throw PostgresServer.Failure("not committed: \(outcome)") }
        entries += batch.count
    }

    /// All entries, by place.
    func ledger() throws -> Set<String> {
        Set(
            try sql("SELECT partition || '-' || seq FROM stampede.ledger").split(separator: "\n").map(
                String.init))
    }

    /// Runs a pump until the sink has been told everything, on this thread.
    @discardableResult
    func tellAll(
        _ name: String, chunk: Int = 100, _ sink: @escaping (RelayLedger) throws(SinkError) -> any Sink
    ) -> Int {
        var configuration = Pump.Configuration(ledger: dsn, sink: name, target: "test")
        configuration.stopsAtEnd = true
        configuration.chunk = chunk
        let pump = Pump(configuration, stop: StopFlag(), logger: .quiet, seed: 1, makeSink: sink)
        pump.run()
        return pump.published
    }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// The orders of one partition, and what may happen to them.
private struct PartitionOwner {
    let partition: Partition
    let fence: Fence
    var number: Int64
    var last: Int64
    /// Of the last batch.
    private var digest: Digest
    let sale: SaleID
    let terms: SaleTerms
    private var orders: [Int64] = []
    private var lives: [Int64: (placing: Entry, life: OrderLife)] = [:]
    private var keys: UInt128

    init(_ owned: Ownership, sale: SaleID, now: LedgerTime) {
        partition = owned.partition
        fence = owned.fence
        number = owned.batch
        last = owned.last
        digest = owned.digest ?? .zero
        self.sale = sale
        keys = UInt128(sale.rawValue) << 64
        terms = SaleTerms(
            name: "Überraschung \"1\"", price: 995, currency: "EUR", limit: 1_000,
            opensAt: LedgerTime(rawValue: now.rawValue - 60_000_000), closesAt: nil, hold: 900)
        lastAt = now
    }

    private var lastAt: LedgerTime

    func creation() -> Entry {
        Entry(
            kind: .saleCreated, sequence: 0, sale: sale, lane: .only, buyer: .operators,
            key: RequestKey(rawValue: 1), quantity: 1_000_000, at: lastAt, terms: terms)
    }

    /// The next entry, already counted; its sequence is given by `batch`, which comes next.
    mutating func something(at now: LedgerTime, _ random: inout SeededGenerator) -> Entry {
        last += 1
        keys += 1
        let key = RequestKey(rawValue: keys)
        if let order = orders.randomElement(using: &random), let (placing, life) = lives[order],
            Bool.random(using: &random), let entry = next(placing, life, key, now, &random)
        {
            var changed = life
            changed.apply(entry, under: terms)
            lives[order] = (placing, changed)
            return entry
        }
        let quantity = Int32.random(in: 1...3, using: &random)
        let entry = Entry(
            kind: .orderPlaced, sequence: last, sale: sale, lane: .only,
            buyer: BuyerID(rawValue: .random(in: 1...40, using: &random)), key: key, quantity: quantity,
            amount: Int64(quantity) * terms.price, at: now)
        orders.append(last)
        lives[last] = (entry, OrderLife(placedAt: now, under: terms))
        return entry
    }

    private func next(
        _ placing: Entry, _ life: OrderLife, _ key: RequestKey, _ now: LedgerTime,
        _ random: inout SeededGenerator
    ) -> Entry? {
        let kinds: [Entry.Kind] =
            switch life.state {
            case .reserved: [.paymentBegun, .orderExpired, .orderCancelled]
            case .paying: [.paymentTaken, .paymentFailed, .orderExpired, .surplusOwed]
            case .paid: [.refundBegun, .surplusOwed]
            case .expired, .cancelled: [.refundBegun]
            case .refunding: [.refundDone]
            case .refunded: [.surplusReturned]
            }
        guard let kind = kinds.randomElement(using: &random) else { return nil }
        let moves =
            kind == .orderExpired || kind == .orderCancelled || (kind == .refundDone && life.holdsUnits)
        let attempt = kind == .paymentBegun ? key : life.attempt ?? key
        guard life.allows(kind, attempt: attempt) else { return nil }
        return Entry(
            kind: kind, sequence: last, sale: sale, lane: .only, buyer: placing.buyer, key: attempt,
            quantity: moves ? placing.quantity : 0, amount: 0, at: now, about: placing.sequence,
            note: kind == .orderCancelled ? EntryNote(actor: "ann", reason: "why \"not\"") : nil)
    }

    /// - Precondition: all entries but a creation come from `something`, since the last batch.
    mutating func batch(_ entries: [Entry]) -> Batch {
        number += 1
        var numbered = entries
        if entries.count == 1, entries[0].kind == .saleCreated {
            last += 1
            numbered[0].sequence = last
        }
        var made = Batch(partition: partition, fence: fence, number: number, entries: numbered)
        made.seal(after: digest, in: Incarnation(systemIdentifier: .max, timeline: 1))
        digest = made.seal?.digest ?? digest
        return made
    }
}
