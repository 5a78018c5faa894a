import Sales
import Testing

@testable import Workers

@Suite struct TargetsTests {
    private func names(_ count: Int) -> [String] {
        count == 0 ? [] : (1...count).map { "worker-\($0)" }
    }

    private func moved(_ before: Targets, _ after: Targets, of partitions: Int) -> Int {
        (0..<Int16(partitions)).map { Partition(rawValue: $0) }
            .count { before.target(of: $0) != after.target(of: $0) }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 16, 64, 65], [1, 8, 64, 100, 1_024])
    func `every partition has a target, and the counts differ by one at most`(workers: Int, partitions: Int) {
        let targets = Targets(workers: names(workers), partitions: partitions)
        let counts = names(workers).map(targets.count(of:))
        #expect(counts.reduce(0, +) == partitions)
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test func `without workers nothing has a target`() {
        let targets = Targets(workers: [], partitions: 3)
        #expect(targets.target(of: Partition(rawValue: 0)) == nil)
        #expect(Targets(workers: names(1), partitions: 3).target(of: Partition(rawValue: 3)) == nil)
    }

    @Test func `all workers find the same, in whatever order they hear the names`() {
        let targets = Targets(workers: names(5), partitions: 64)
        #expect(Targets(workers: names(5).reversed() + names(2), partitions: 64) == targets)
    }

    @Test func `the single worker gets all, the first that joins half of it`() {
        let one = Targets(workers: names(1), partitions: 64)
        let two = Targets(workers: names(2), partitions: 64)
        #expect(one.count(of: "worker-1") == 64)
        #expect(moved(one, two, of: 64) == 32)
    }

    /// The n-th worker has 1/n of the partitions, so that many must move when it joins or leaves.
    @Test(arguments: [2, 3, 4, 5, 6, 9])
    func `little more moves than must when a worker joins or leaves`(count: Int) {
        for partitions in [64, 1_024] {
            var sum = 0
            for cluster in 0..<10 {
                let names = (1...count).map { "cluster-\(cluster)-worker-\($0)" }
                let before = Targets(workers: names.dropLast(), partitions: partitions)
                sum += moved(before, Targets(workers: names, partitions: partitions), of: partitions)
            }
            let factor = Double(sum) / 10 / (Double(partitions) / Double(count))
            #expect((1.0..<1.5).contains(factor), "\(factor) times as many of \(partitions) as must")
        }
    }
}
