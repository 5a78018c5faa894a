import Testing
import Wire

@Suite struct RoutingKeyTests {
    /// Computed by another implementation. Stored sales depend on them: they must never change.
    static let pinned: [(sale: Int64, lane: Int16, partitions: Int, partition: Int)] = [
        (1, 0, 64, 21), (2, 0, 64, 54), (3, 0, 64, 7), (7, 0, 64, 4), (42, 0, 64, 41), (1_000_000, 0, 64, 24),
        (.max, 0, 64, 22), (7, 1, 64, 24), (7, 2, 64, 1), (7, -1, 64, 33), (7, 0, 1, 0), (7, 0, 256, 18),
        (123_456_789, 3, 1_024, 196),
    ]

    @Test(arguments: pinned)
    func `the partition of a sale never changes`(sale: Int64, lane: Int16, partitions: Int, partition: Int) {
        #expect(RoutingKey(sale: sale, lane: lane).partition(of: partitions) == partition)
        #expect(RoutingKey.hashName == "splitmix64-v1")
    }

    @Test func `sales in sequence spread over all partitions`() {
        var counts = [Int](repeating: 0, count: 64)
        for sale in 1...64_000 { counts[RoutingKey(sale: Int64(sale), lane: 0).partition(of: 64)] += 1 }
        #expect(counts.allSatisfy { (850...1_150).contains($0) })
    }
}
