import Digests
import Receipts
import Sales
import SeededTestSupport
import Testing

@Suite struct LeafTests {
    /// docs/receipts.md shows these bytes.
    @Test func `an order's leaf has its 76 bytes`() {
        let bytes = Leaf(partition: Partition(rawValue: 12), entry: Sample.order).bytes
        #expect(
            Hexadecimal.text(bytes)
                == "0100" + "000c" + "0000000000001267" + "0010" + "0000" + "0000000000000007"
                + "000000000000002a"
                + "00112233445566778899aabbccddeeff" + "00000002" + "00000000000007c6" + "0006445941642240"
                + "0000000000000000")
        #expect(bytes.count == LeafWriter.fixedSize)
    }

    @Test func `terms and note stand behind`() {
        var entry = Sample.order
        (entry.kind, entry.terms) = (.saleCreated, Sample.terms)
        entry.note = EntryNote(actor: "ada", reason: "why")
        let bytes = Leaf(partition: Partition(rawValue: 12), entry: entry).bytes
        #expect(Hexadecimal.text(bytes[..<2]) == "0103")
        #expect(
            Hexadecimal.text(bytes[LeafWriter.fixedSize...])
                == "0000000dc39c6265727261736368756e67" + "00000000000003e3" + "00000003455552" + "00000003"
                + "00000000000003e8" + "00" + "010000003c" + "00000078" + "00" + "00000003616461"
                + "00000003776879")
    }

    @Test func `any entry is read as it was written, by a writer that was used before`() throws {
        var generator = SeededGenerator(seed: 76)
        var writer = LeafWriter()
        for number in 0..<2_000 {
            let (entry, partition) = (Sample.entry(&generator), Partition(rawValue: Int16(number)))
            let bytes = writer.leaf(entry, of: partition)
            let leaf = try #require(Leaf(bytes), "entry \(number)")
            #expect(leaf.entry == entry && leaf.partition == partition, "entry \(number)")
            #expect(writer.digest(entry, of: partition) == Sample.hash(0, bytes))
        }
    }

    @Test func `a leaf that is cut, longer, or differs in any bit is another entry or none`() throws {
        var generator = SeededGenerator(seed: 77)
        for _ in 0..<60 {
            let leaf = Leaf(partition: Partition(rawValue: 1), entry: Sample.entry(&generator))
            let bytes = leaf.bytes
            #expect(Leaf(bytes + [0]) == nil)
            for count in 0..<bytes.count where count % 7 == 0 { #expect(Leaf(Array(bytes[..<count])) == nil) }
            for bit in 0..<min(bytes.count, 200) * 8 {
                var changed = bytes
                changed[bit / 8] ^= 1 << (bit % 8)
                guard let other = Leaf(changed) else { continue }
                // Not compared as values: to Swift, two spellings of an accent are equal.
                #expect(other.bytes == changed, "bit \(bit)")
            }
        }
    }
}
