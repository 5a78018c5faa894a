import Methods
package import Sales

/// Which live worker should own which partition: a pure function of their names and the number of partitions, so
/// that all who see the same workers agree without a word.
///
/// Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
/// Transactions on Networking 6, 1998) with bounded loads (after Mirrokni, Thorup and Zadimoghaddam, "Consistent
/// hashing with bounded loads", SODA 2018), with the bound as tight as it can be: the counts of two workers differ by
/// one at most. In rounds, each partition without a target asks the worker that has room and the greatest weight for
/// it; who asks with the greatest weight is served first.
///
/// The tight bound costs little: when the n-th worker joins or leaves, 1.0 to 1.4 times as many of 64 partitions move
/// as must (n up to 9; up to twice as many at 17 workers, where the least is 4).
package struct Targets: Equatable {
    /// In order of their names.
    package let workers: [String]
    /// The worker of each partition, as an index.
    private var owners: [Int]

    package init(workers names: some Sequence<String>, partitions: Int) {
        workers = Set(names).sorted()
        owners = Array(repeating: -1, count: partitions)
        guard !workers.isEmpty else { return }
        var room = Room(workers: workers.count, partitions: partitions)
        let hashes = workers.map { Membership.hash(of: $0) }
        var left = Array(0..<partitions)
        while !left.isEmpty {
            let bids = left.map { Bid(for: $0, among: hashes, room) }
            left = []
            for bid in bids.sorted(by: { ($0.weight, $0.worker) > ($1.weight, $1.worker) }) {
                if room.take(of: bid.worker) {
                    owners[bid.partition] = bid.worker
                } else {
                    left.append(bid.partition)
                }
            }
        }
    }

    /// Nil without workers, and for what is no partition.
    package func target(of partition: Partition) -> String? {
        let index = Int(partition.rawValue)
        guard owners.indices.contains(index), owners[index] >= 0 else { return nil }
        return workers[owners[index]]
    }

    /// How many partitions a worker should own.
    package func count(of worker: String) -> Int {
        guard let index = workers.firstIndex(of: worker) else { return 0 }
        return owners.count { $0 == index }
    }

    /// How many more partitions each worker may have: an even share, and one more as long as there are any over.
    private struct Room {
        private var left: [Int]
        private var over: Int

        init(workers: Int, partitions: Int) {
            left = Array(repeating: partitions / workers, count: workers)
            over = partitions % workers
        }

        /// A share that is used up is 0, one with its one more is -1.
        func isOpen(_ worker: Int) -> Bool { left[worker] > 0 || (left[worker] == 0 && over > 0) }

        mutating func take(of worker: Int) -> Bool {
            guard isOpen(worker) else { return false }
            if left[worker] == 0 { over -= 1 }
            left[worker] -= 1
            return true
        }
    }

    /// A partition asks the worker of the greatest weight that has room. There always is one: together they have
    /// room for all.
    private struct Bid {
        let partition: Int
        var worker = -1
        var weight: UInt64 = 0

        init(for partition: Int, among hashes: [UInt64], _ room: Room) {
            self.partition = partition
            for worker in hashes.indices where room.isOpen(worker) {
                let other = Membership.weight(hash: hashes[worker], Partition(rawValue: Int16(partition)))
                if self.worker < 0 || other >= weight { (self.worker, weight) = (worker, other) }
            }
        }
    }
}
