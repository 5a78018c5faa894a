package import Ledger
package import Sales

/// The ledger as `Ledger/Migrations` defines it, in memory: each function is one of the schema's, and runs at once
/// and alone. Its answers are compared with a real server's by the tests.
package struct LedgerModel {
    package enum CommitResult: Equatable, Sendable {
        case committed(at: LedgerTime)
        /// `ST001`.
        case fenced([Partition])
        /// `ST002`.
        case stale([Partition])
        /// Class 22 or 23.
        case refused
    }

    package struct WrittenBatch: Equatable, Sendable {
        package let number: Int64
        package let fence: Int64
        package let first: Int64
        package let last: Int64
        package let at: LedgerTime
        package let seal: Seal?
    }

    package struct Row: Equatable, Sendable {
        package var fence: Int64 = 0
        package var batch: Int64 = 0
        package var last: Int64 = 0
    }

    package private(set) var rows: [Row]
    package private(set) var entries: [[Entry]]
    package private(set) var batches: [[WrittenBatch]]
    package private(set) var stock: [SaleID: Int64] = [:]
    /// Which partition has the sale.
    private var homes: [SaleID: Int] = [:]
    /// Nothing of this buyer can be stored: it stands for whatever a worker accepts and a server does not.
    private let poison: BuyerID?
    /// Whether there is a buyer whose entries it refuses.
    var refusesSome: Bool { poison != nil }

    package init(partitions: Int, poison: BuyerID? = nil) {
        rows = Array(repeating: Row(), count: partitions)
        entries = Array(repeating: [], count: partitions)
        batches = Array(repeating: [], count: partitions)
        self.poison = poison
    }

    /// `stampede.commit_sealed`.
    package mutating func commit(_ sent: [Batch], at clock: LedgerTime) -> CommitResult {
        let foreign = sent.filter { !isNext($0) }
        guard foreign.isEmpty else { return .fenced(foreign.map(\.partition)) }
        let times = clock.rawValue - 5_000_000...clock.rawValue + 100_000
        let stale = sent.filter { batch in batch.entries.contains { !times.contains($0.at.rawValue) } }
        guard stale.isEmpty else { return .stale(stale.map(\.partition)) }
        var changed = stock
        var changedHomes = homes
        for batch in sent {
            for entry in batch.entries where entry.kind == .saleCreated {
                guard changed.updateValue(0, forKey: entry.sale) == nil else { return .refused }
                changedHomes[entry.sale] = Int(batch.partition.rawValue)
            }
        }
        for batch in sent {
            var changes: [SaleID: Int64] = [:]
            for entry in batch.entries {
                guard entry.buyer != poison, entry.quantity >= 0, entry.amount >= 0 else { return .refused }
                changes[entry.sale, default: 0] += entry.stockChange
            }
            // Only what changes the stock, all in all, must have a row in it.
            for (sale, change) in changes where change != 0 {
                guard let left = changed[sale], changedHomes[sale] == Int(batch.partition.rawValue)
                else { return .refused }
                changed[sale] = left + change
            }
        }
        guard changed.values.allSatisfy({ $0 >= 0 }) else { return .refused }
        let torn = sent.filter { $0.seal?.previous != digest(Int($0.partition.rawValue)) ?? .zero }
        guard torn.isEmpty else { return .fenced(torn.map(\.partition)) }
        (stock, homes) = (changed, changedHomes)
        for batch in sent { write(batch, clock) }
        return .committed(at: clock)
    }

    package func isNext(_ batch: Batch) -> Bool {
        let row = rows[Int(batch.partition.rawValue)]
        return row.fence == batch.fence.rawValue && row.batch == batch.number - 1
            && row.last == (batch.entries.first?.sequence ?? 0) - 1
    }

    private mutating func write(_ batch: Batch, _ clock: LedgerTime) {
        let index = Int(batch.partition.rawValue)
        guard let first = batch.entries.first?.sequence, let last = batch.entries.last?.sequence else {
            return
        }
        entries[index] += batch.entries
        rows[index].batch = batch.number
        rows[index].last = last
        batches[index].append(
            WrittenBatch(
                number: batch.number, fence: batch.fence.rawValue, first: first, last: last, at: clock,
                seal: batch.seal))
    }

    /// Of the last batch's seal.
    private func digest(_ partition: Int) -> Digest? { batches[partition].last?.seal?.digest }

    /// `stampede.take_fence`.
    package mutating func takeFence(_ partition: Int) -> Ownership {
        rows[partition].fence += 1
        let row = ownership(partition)
        return Ownership(
            partition: row.partition, fence: row.fence, batch: row.batch, last: row.last,
            digest: digest(partition))
    }

    /// `stampede.renew_fences`.
    package mutating func renewFences(_ held: [(partition: Int, fence: Int64)]) -> [Ownership] {
        held.filter { rows[$0.partition].fence == $0.fence }.map { takeFence($0.partition) }
    }

    /// A row of the statement `check`.
    package func ownership(_ partition: Int) -> Ownership {
        Ownership(
            partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: rows[partition].fence),
            batch: rows[partition].batch, last: rows[partition].last)
    }

    /// The statement `batch`.
    package func hasBatch(_ partition: Int, _ number: Int64, _ fence: Int64) -> Bool {
        batches[partition].contains { $0.number == number && $0.fence == fence }
    }

    /// The statement `load`.
    package func load(_ partition: Int, after: Int64, limit: Int) -> [Entry] {
        Array(entries[partition].dropFirst(Int(after)).prefix(limit))
    }

    // MARK: For who judges

    package func entry(_ partition: Int, _ sequence: Int64) -> Entry? {
        guard entries.indices.contains(partition), sequence >= 1, sequence <= Int64(entries[partition].count)
        else { return nil }
        return entries[partition][Int(sequence) - 1]
    }

    package func entry(_ partition: Int, sale: SaleID, buyer: BuyerID, key: RequestKey) -> Entry? {
        entries[partition].first { $0.sale == sale && $0.buyer == buyer && $0.key == key }
    }

    // MARK: Mistakes

    /// A `commit` that does not look, or not well, at fence and number: only for planted bugs.
    mutating func force(_ sent: [Batch], at clock: LedgerTime) -> CommitResult {
        var batches = sent
        for index in batches.indices {
            let row = rows[Int(batches[index].partition.rawValue)]
            batches[index].fence = Fence(rawValue: row.fence)
            batches[index].number = row.batch + 1
            for entry in batches[index].entries.indices {
                batches[index].entries[entry].sequence = row.last + 1 + Int64(entry)
            }
            // A ledger that does not look takes any seal.
            if let seal = batches[index].seal {
                batches[index].seal = Seal(
                    incarnation: seal.incarnation,
                    previous: digest(Int(batches[index].partition.rawValue)) ?? .zero,
                    root: seal.root, digest: seal.digest)
            }
        }
        return commit(batches, at: clock)
    }
}
