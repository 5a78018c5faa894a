import Sales
import Wire

@testable import Ledger

/// The ledger as `Migrations/0001_ledger.sql` defines it, in memory: the same rules, one call at a time.
struct ModelLedger {
    struct Row {
        var fence: Int64 = 0
        var batch: Int64 = 0
        var last: Int64 = 0
    }

    struct WrittenBatch {
        let number: Int64
        let fence: Int64
        let first: Int64
        let last: Int64
        let writer: String
    }

    enum Outcome {
        case committed
        case fenced([Partition])
        case stale
        case refused
    }

    var rows: [Row]
    var entries: [[Entry]]
    var batches: [[WrittenBatch]]
    /// Who took which fence: of these alone is a commit legal (P6).
    private var takers: [[Int64: String]]
    private(set) var stock: [SaleID: Int64] = [:]
    /// When the stock of a sale was last zero, for P7.
    private var lastZero: [SaleID: MonotonicTime] = [:]
    private(set) var violations: [String] = []
    /// Changes with a fail-over: whoever is connected to the old one reaches nothing.
    var incarnation = 0

    /// Nothing of this buyer can be stored: it stands for whatever a worker accepts and Postgres does not.
    static let poison = BuyerID(rawValue: 13)

    init(partitions: Int) {
        rows = Array(repeating: Row(), count: partitions)
        entries = Array(repeating: [], count: partitions)
        batches = Array(repeating: [], count: partitions)
        takers = Array(repeating: [:], count: partitions)
    }

    // MARK: Functions of the schema

    mutating func commit(_ sent: [Batch], by writer: String, clock: LedgerTime, _ now: MonotonicTime)
        -> Outcome
    {
        let foreign = sent.filter { batch in
            let row = rows[Int(batch.partition.rawValue)]
            return row.fence != batch.fence.rawValue || row.batch != batch.number - 1
                || row.last != (batch.entries.first?.sequence ?? 0) - 1
        }
        guard foreign.isEmpty else { return .fenced(foreign.map(\.partition)) }
        let all = sent.flatMap(\.entries)
        let times = clock.rawValue - 5_000_000...clock.rawValue + 100_000
        guard all.allSatisfy({ times.contains($0.at.rawValue) }) else { return .stale }
        guard !all.contains(where: { $0.buyer == ModelLedger.poison }) else { return .refused }
        var changed = stock
        for entry in all { changed[entry.sale, default: 0] += entry.stockChange }
        guard changed.values.allSatisfy({ $0 >= 0 }) else {
            violations.append("P1: a batch would oversell")
            return .refused
        }
        for batch in sent { write(batch, writer, now) }
        return .committed
    }

    private mutating func write(_ batch: Batch, _ writer: String, _ now: MonotonicTime) {
        let index = Int(batch.partition.rawValue)
        if takers[index][batch.fence.rawValue] != writer {
            violations.append("P6: \(writer) wrote to \(index) under a fence of another")
        }
        for entry in batch.entries {
            let before = stock[entry.sale, default: 0]
            let left = before + entry.stockChange
            // A batch may empty a sale and fill it again: sold out it was all the same.
            if before == 0 || left == 0 { lastZero[entry.sale] = now }
            stock[entry.sale] = left
        }
        entries[index] += batch.entries
        let (first, last) = (rows[index].last + 1, Int64(entries[index].count))
        rows[index].batch = batch.number
        rows[index].last = last
        batches[index].append(
            WrittenBatch(
                number: batch.number, fence: batch.fence.rawValue, first: first, last: last, writer: writer))
    }

    mutating func takeFence(_ partition: Int, by writer: String) -> Ownership {
        rows[partition].fence += 1
        takers[partition][rows[partition].fence] = writer
        return ownership(partition)
    }

    mutating func renewFences(_ held: [(partition: Int, fence: Int64)], by writer: String) -> [Ownership] {
        held.filter { rows[$0.partition].fence == $0.fence }.map { takeFence($0.partition, by: writer) }
    }

    func ownership(_ partition: Int) -> Ownership {
        Ownership(
            partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: rows[partition].fence),
            batch: rows[partition].batch, last: rows[partition].last)
    }

    func hasBatch(_ partition: Int, _ number: Int64, _ fence: Int64) -> Bool {
        batches[partition].contains { $0.number == number && $0.fence == fence }
    }

    func load(_ partition: Int, after: Int64, limit: Int) -> [Entry] {
        Array(entries[partition].dropFirst(Int(after)).prefix(limit))
    }

    // MARK: Promises

    /// Whether every unit was sold at some instant of the last second (P7).
    func wasSoldOut(_ sale: SaleID, _ now: MonotonicTime) -> Bool {
        stock[sale] == 0 || lastZero[sale].map { now - $0 <= .seconds(1) } ?? false
    }

    func entry(_ partition: Int, _ sequence: Int64) -> Entry? {
        guard sequence >= 1, sequence <= Int64(entries[partition].count) else { return nil }
        return entries[partition][Int(sequence) - 1]
    }

    func entry(_ partition: Int, buyer: BuyerID, key: RequestKey) -> Entry? {
        entries[partition].first { $0.buyer == buyer && $0.key == key }
    }

    /// What `stampede audit` would say of the whole ledger.
    func audit() -> [String] {
        var found = violations
        for index in rows.indices {
            var left: Int64 = 0
            var limit: Int32 = 0
            var held: [BuyerID: Int32] = [:]
            var keys: Set<[UInt128]> = []
            for (position, entry) in entries[index].enumerated() {
                if entry.sequence != Int64(position) + 1 { found.append("a gap in \(index)") }
                if !keys.insert([UInt128(UInt64(entry.buyer.rawValue)), entry.key.rawValue]).inserted {
                    found.append("P3: key \(entry.key.rawValue) is twice in \(index)")
                }
                left += entry.stockChange
                limit = entry.terms?.limit ?? limit
                if left < 0 { found.append("P1: oversold in \(index)") }
                if entry.kind == .orderPlaced {
                    held[entry.buyer, default: 0] += entry.quantity
                    if held[entry.buyer]! > limit { found.append("P4: over the limit in \(index)") }
                }
            }
            var fence: Int64 = 0
            for (position, batch) in batches[index].enumerated() {
                if batch.number != Int64(position) + 1 { found.append("P6: a batch is missing in \(index)") }
                if batch.fence < fence { found.append("P6: an older fence wrote later in \(index)") }
                fence = batch.fence
            }
        }
        return found
    }

    /// One sale per partition, numbered from 1, written before anybody owns anything.
    mutating func createSales(units: Int32, limit: Int32, clock: LedgerTime, _ now: MonotonicTime) {
        let terms = SaleTerms(
            name: "Sale", price: 100, currency: "EUR", limit: limit, opensAt: LedgerTime(rawValue: 0),
            closesAt: nil)
        for index in rows.indices {
            let entry = Entry(
                kind: .saleCreated, sequence: 1, sale: SaleID(rawValue: Int64(index) + 1), lane: .only,
                buyer: .operators, key: RequestKey(rawValue: 1), quantity: units, at: clock, terms: terms)
            let row = takeFence(index, by: "operators")
            let batch = Batch(partition: row.partition, fence: row.fence, number: 1, entries: [entry])
            _ = commit([batch], by: "operators", clock: clock, now)
        }
    }
}
