import Ledger
import Receipts
import Sales
import SeededTestSupport

/// Draws what a worker might ask of the ledger: mostly what it may, by what it last heard, and often enough what
/// it may not.
struct LedgerDraw {
    static let partitions = 4
    var generator: SeededGenerator
    /// What each worker believes of each partition.
    private var views: [[Ownership]]
    /// Sales that were created, and where.
    private var sales: [(sale: SaleID, partition: Int)] = [(SaleID(rawValue: 1), 0)]
    private var keys: UInt128 = 1 << 90

    init(seed: UInt64, workers: Int) {
        generator = SeededGenerator(seed: seed)
        let blank = (0..<Self.partitions).map {
            Ownership(partition: Partition(rawValue: Int16($0)), fence: Fence(rawValue: 0), batch: 0, last: 0)
        }
        views = Array(repeating: blank, count: workers)
    }

    /// - Parameter clock: the ledger's time, not older than a second or so.
    mutating func operation(of worker: Int, clock: LedgerTime) -> LedgerOperation {
        let partition = generator.number(0...Self.partitions - 1)
        switch generator.number(1...20) {
        case 1...2: return .takeFence(partition)
        case 3: return renewal(of: worker)
        case 4: return .check(subset())
        case 5:
            let after = Int64(generator.number(0...Int(views[worker][partition].last)))
            return .load(partition, after: after, limit: generator.number(1...50))
        case 6:
            let view = views[worker][partition]
            let (number, fence) = (view.batch + off(2), view.fence.rawValue + off(3))
            return .hasBatch(partition, number, fence)
        default: return commit(of: worker, subset(), clock)
        }
    }

    /// Something that waits for the row of a partition.
    mutating func change(of worker: Int, _ partition: Int, clock: LedgerTime) -> LedgerOperation {
        let view = views[worker][partition]
        switch generator.number(1...6) {
        case 1: return .takeFence(partition)
        case 2: return .renewFences([(partition, view.fence.rawValue)])
        default:
            let others = generator.oneIn(4) ? subset() : []
            return commit(of: worker, Set(others + [partition]).sorted(), clock)
        }
    }

    /// What the worker learns from an answer.
    mutating func learn(_ worker: Int, _ operation: LedgerOperation, _ answer: LedgerOperation.Answer) {
        switch (operation, answer) {
        case (.takeFence, .owned(let rows)), (.renewFences, .owned(let rows)):
            for row in rows { views[worker][Int(row.partition.rawValue)] = row }
        case (.commit(let batches), .committed):
            for batch in batches {
                views[worker][Int(batch.partition.rawValue)] = Ownership(
                    partition: batch.partition, fence: batch.fence, batch: batch.number,
                    last: batch.entries.last?.sequence ?? 0, digest: batch.seal?.digest)
                for entry in batch.entries where entry.kind == .saleCreated {
                    sales.append((entry.sale, Int(batch.partition.rawValue)))
                }
            }
        default: break
        }
    }

    // MARK: Parts

    private mutating func subset() -> [Int] {
        let drawn = (0..<Self.partitions).filter { _ in generator.oneIn(3) }
        return drawn.isEmpty ? [generator.number(0...Self.partitions - 1)] : drawn
    }

    /// Zero but for one time in ten.
    private mutating func off(_ most: Int) -> Int64 {
        generator.oneIn(10) ? Int64(generator.number(-most...most)) : 0
    }

    private mutating func renewal(of worker: Int) -> LedgerOperation {
        .renewFences(subset().map { ($0, views[worker][$0].fence.rawValue + off(1)) })
    }

    private mutating func commit(of worker: Int, _ partitions: [Int], _ clock: LedgerTime) -> LedgerOperation
    {
        let incarnation = Incarnation(systemIdentifier: UInt64(generator.number(0...9)) << 60, timeline: 1)
        return .commit(partitions.map { batch(views[worker][$0], clock, incarnation) })
    }

    private mutating func batch(
        _ view: Ownership, _ clock: LedgerTime, _ incarnation: Incarnation
    ) -> Batch {
        let (fence, number) = (view.fence.rawValue + off(1), view.batch + 1 + off(1))
        var sequence = view.last + 1 + (generator.oneIn(30) ? 1 : 0)
        var entries: [Entry] = []
        for _ in 0..<generator.number(1...4) {
            entries.append(entry(sequence, Int(view.partition.rawValue), clock))
            sequence += 1
        }
        var batch = Batch(
            partition: view.partition, fence: Fence(rawValue: fence), number: number, entries: entries)
        batch.seal(after: generator.oneIn(30) ? .zero : view.digest ?? .zero, in: incarnation)
        return batch
    }

    private mutating func entry(_ sequence: Int64, _ partition: Int, _ clock: LedgerTime) -> Entry {
        keys += 1
        var entry = Entry(
            kind: .orderPlaced, sequence: sequence, sale: sale(of: partition), lane: .only,
            buyer: BuyerID(rawValue: Int64(generator.number(1...9))), key: RequestKey(rawValue: keys),
            at: time(clock))
        switch generator.number(1...16) {
        case 13...16:
            // The ledger takes whatever its worker says of an order's life; it only moves the units.
            let kinds: [Entry.Kind] = [
                .unitsWithdrawn, .salePaused, .saleResumed, .limitChanged, .paymentBegun, .paymentFailed,
                .paymentTaken, .paymentTakenLate, .orderExpired, .orderCancelled, .refundBegun, .refundDone,
                .surplusOwed, .surplusReturned,
            ]
            entry.kind = kinds[generator.number(0...kinds.count - 1)]
            entry.quantity = Int32(generator.number(0...2))
            if entry.kind.isAboutOrder { entry.about = max(0, sequence - Int64(generator.number(1...9))) }
            if generator.oneIn(3) { entry.note = EntryNote(actor: "ada", reason: "test \(keys % 7)") }
        case 1...2:
            entry.kind = .saleCreated
            if !generator.oneIn(8) { entry.sale = SaleID(rawValue: 1_000_000 + Int64(keys & 0xffff_ffff)) }
            entry.quantity = Int32(generator.number(0...30))
            entry.terms = terms(clock)
        case 3...4:
            entry.kind = .unitsAdded
            entry.quantity = Int32(generator.number(0...4))
        case 5: entry.kind = .keyVoided
        case 6:
            entry.kind = generator.oneIn(2) ? .saleOpened : .saleClosed
            entry.terms = terms(clock)
        default:
            entry.quantity = Int32(generator.oneIn(60) ? -1 : generator.number(1...3))
            entry.amount = generator.oneIn(60) ? -1 : Int64(entry.quantity) * 995
        }
        return entry
    }

    /// Mostly a sale of the partition that was created lately.
    private mutating func sale(of partition: Int) -> SaleID {
        if generator.oneIn(25) { return SaleID(rawValue: 1_000_000) }
        if generator.oneIn(20) { return sales[generator.number(0...sales.count - 1)].sale }
        let here = sales.suffix(60).filter { $0.partition == partition }
        return here.isEmpty ? sales[0].sale : here[generator.number(0...here.count - 1)].sale
    }

    /// Far from the limits of `ST002`, on either side of them.
    private mutating func time(_ clock: LedgerTime) -> LedgerTime {
        if generator.oneIn(60) { return LedgerTime(rawValue: clock.rawValue - 60_000_000) }
        if generator.oneIn(60) { return LedgerTime(rawValue: clock.rawValue + 60_000_000) }
        return LedgerTime(rawValue: clock.rawValue - Int64(generator.number(0...1_000_000)))
    }

    private mutating func terms(_ clock: LedgerTime) -> SaleTerms {
        SaleTerms(
            name: "Sale \(generator.number(1...99))", price: 995, currency: "EUR", limit: 3, opensAt: clock,
            closesAt: generator.oneIn(2) ? nil : LedgerTime(rawValue: clock.rawValue + 3_600_000_000))
    }
}
