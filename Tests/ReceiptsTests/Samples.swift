import Digests
import Receipts
import Sales
import SeededTestSupport

/// Entries, batches and receipts to try things on.
enum Sample {
    static let terms = SaleTerms(
        name: "Überraschung", price: 995, currency: "EUR", limit: 3, opensAt: LedgerTime(rawValue: 1_000),
        closesAt: nil, hold: 60)
    static let order = Entry(
        kind: .orderPlaced, sequence: 4_711, sale: SaleID(rawValue: 7), lane: .only,
        buyer: BuyerID(rawValue: 42),
        key: RequestKey(rawValue: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff), quantity: 2, amount: 1_990,
        at: LedgerTime(rawValue: 1_764_000_000_123_456))
    static let incarnation = Incarnation(systemIdentifier: 0xfedc_ba98_7654_3210, timeline: 3)

    static func hash(_ first: UInt8, _ bytes: [UInt8]) -> Digest { SHA256.hash(first, bytes.span) }

    /// Any entry that a ledger might hold, and some that it would not.
    static func entry(_ generator: inout SeededGenerator) -> Entry {
        let kinds = Entry.Kind.allCases
        var entry = Entry(
            kind: kinds[generator.number(0...kinds.count - 1)], sequence: number(&generator),
            sale: SaleID(rawValue: number(&generator)),
            lane: Lane(rawValue: Int16(truncatingIfNeeded: number(&generator))),
            buyer: BuyerID(rawValue: number(&generator)),
            key: RequestKey(rawValue: UInt128(truncatingIfNeeded: number(&generator))),
            quantity: Int32(truncatingIfNeeded: number(&generator)), amount: number(&generator),
            at: LedgerTime(rawValue: number(&generator)), about: number(&generator))
        if generator.oneIn(3) {
            entry.terms = SaleTerms(
                name: text(&generator), price: number(&generator), currency: text(&generator),
                limit: Int32(truncatingIfNeeded: number(&generator)),
                opensAt: LedgerTime(rawValue: number(&generator)),
                closesAt: generator.oneIn(2) ? nil : LedgerTime(rawValue: number(&generator)),
                hold: generator.oneIn(2) ? nil : Int32(truncatingIfNeeded: number(&generator)),
                payment: Int32(truncatingIfNeeded: number(&generator)), isPaused: generator.oneIn(2))
        }
        if generator.oneIn(3) { entry.note = EntryNote(actor: text(&generator), reason: text(&generator)) }
        return entry
    }

    private static func number(_ generator: inout SeededGenerator) -> Int64 {
        generator.oneIn(4)
            ? [0, 1, -1, .max, .min][generator.number(0...4)] : Int64(bitPattern: generator.next())
    }

    private static func text(_ generator: inout SeededGenerator) -> String {
        ["", "a", "Überraschung", "e\u{301}", "\u{0}", "日本", String(repeating: "x", count: 300)][
            generator.number(0...6)]
    }

    /// Batches of one transaction: of so many entries each, of partition 0, 1, ….
    static func batches(_ sizes: [Int], after previous: Digest = .zero) -> [Batch] {
        sizes.enumerated().map { partition, size in
            var batch = Batch(
                partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: 5), number: 9,
                entries: (0..<size).map { index in
                    var entry = order
                    entry.sequence += Int64(index)
                    entry.buyer = BuyerID(rawValue: Int64(index + 1))
                    return entry
                })
            batch.seal(after: previous, in: incarnation)
            return batch
        }
    }

    /// The receipt of one entry of one of those batches.
    static func receipt(_ batches: [Batch], _ place: Int, _ index: Int, signedBy signer: Signer?) -> Receipt {
        let batch = batches[place]
        var writer = LeafWriter()
        let leaves = batch.entries.map { writer.digest($0, of: batch.partition) }
        let tree = TransactionTree(batches.compactMap(\.seal?.digest))
        return Receipt(
            leaf: writer.leaf(batch.entries[index], of: batch.partition),
            path: MerkleTree.path(to: index, of: leaves),
            header: BatchHeader(
                incarnation: incarnation, partition: batch.partition, fence: batch.fence, batch: batch.number,
                first: batch.entries[0].sequence, last: batch.entries[batch.entries.count - 1].sequence,
                previous: batch.seal!.previous, root: batch.seal!.root),
            place: place, size: batches.count, siblings: tree.path(to: place),
            signature: signer.map {
                TransactionSignature(signature: $0.sign(tree.message), key: $0.id)
            })
    }
}
