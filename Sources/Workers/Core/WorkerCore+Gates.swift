package import Methods
import Sales
package import Wire

extension WorkerCore {
    // MARK: Gates

    /// The gates to keep closed, of partitions whose fence was checked recently enough to say so.
    ///
    /// - Parameter brokers: how many are told: what has come back is shared out between them.
    package func closedGates(brokers: Int = 1, _ now: MonotonicTime) -> [ClosedGate] {
        var gates: [ClosedGate] = []
        for partition in partitions.indices where partitions[partition].phase == .owned {
            gates += closedGates(of: partition, brokers: brokers, now)
            if gates.count >= WorkerBeat.maximumGates { return Array(gates[..<WorkerBeat.maximumGates]) }
        }
        return gates
    }

    package func closedGates(of partition: Int, brokers: Int = 1, _ now: MonotonicTime) -> [ClosedGate] {
        guard
            !partitions[partition].soldOut.isEmpty || !partitions[partition].reopenings.isEmpty
                || partitions[partition].book.hasWaiting,
            now - partitions[partition].checked <= configuration.freshness
        else { return [] }
        let emptied = partitions[partition].emptied
        let waited = partitions[partition].book.waitedSales
        var gates: [ClosedGate] = []
        // While somebody waits the gate is closed to everybody else, whatever has come back.
        for (sale, lane) in waited {
            let key = PartitionState.SaleLaneKey(sale: sale, lane: lane)
            gates.append(gate(key, partition, emptied.contains(key) ? .soldOut : .waitersFirst))
        }
        func isWaited(_ key: PartitionState.SaleLaneKey) -> Bool {
            waited.contains { $0.sale == key.sale && $0.lane == key.lane }
        }
        for key in emptied where !isWaited(key) { gates.append(gate(key, partition, .soldOut)) }
        for (key, since) in partitions[partition].reopenings
        where now - since < configuration.reopening && !emptied.contains(key) && !isWaited(key) {
            let left = partitions[partition].book.committedLeft(key.sale, key.lane) ?? 0
            let share = (left + Int64(brokers) - 1) / Int64(max(1, brokers))
            gates.append(gate(key, partition, .soldOut, passes: Int32(clamping: share)))
        }
        return Array(gates.prefix(WorkerBeat.maximumGates))
    }

    private func gate(
        _ key: PartitionState.SaleLaneKey, _ partition: Int, _ reason: Reason, passes: Int32 = 0
    ) -> ClosedGate {
        ClosedGate(
            method: OrderMethods.place.id,
            routing: RoutingKey(sale: key.sale.rawValue, lane: key.lane.rawValue),
            partition: partitions[partition].book.partition, fence: partitions[partition].fence,
            change: partitions[partition].book.committed, reason: reason,
            outlook: partitions[partition].book.outlook(key.sale, key.lane), passes: passes)
    }

    /// Units of a sale whose gate is closed are on their way: from now on it opens by count.
    mutating func noteReturn(_ entry: Entry, _ partition: Int, _ now: MonotonicTime) {
        let key = PartitionState.SaleLaneKey(sale: entry.sale, lane: entry.lane)
        guard partitions[partition].soldOut.contains(key), partitions[partition].reopenings[key] == nil
        else { return }
        partitions[partition].reopenings[key] = now
    }

    /// The sales whose units were all gone have changed with a commit.
    mutating func soldOutChanged(
        to soldOut: Set<PartitionState.SaleLaneKey>, _ partition: Int, _ now: MonotonicTime
    ) {
        for key in soldOut.subtracting(partitions[partition].soldOut) {
            let isReturning = partitions[partition].open.entries.contains {
                $0.stockChange > 0 && $0.sale == key.sale && $0.lane == key.lane
            }
            partitions[partition].reopenings[key] = isReturning ? now : nil
        }
        partitions[partition].soldOut = soldOut
        effects.append(.beat)
    }

    /// Gates that have opened by count for long enough are open, and those that are closed say what is true now.
    mutating func tendGates(_ now: MonotonicTime) {
        for partition in partitions.indices where partitions[partition].phase == .owned {
            if !partitions[partition].reopenings.isEmpty {
                partitions[partition].reopenings = partitions[partition].reopenings.filter {
                    now - $0.value < configuration.reopening
                }
            }
            for key in partitions[partition].soldOut {
                partitions[partition].book.refreshOutlook(key.sale, key.lane)
            }
            guard partitions[partition].book.hasWaiting else { continue }
            for (sale, lane) in partitions[partition].book.waitedSales {
                partitions[partition].book.refreshOutlook(sale, lane)
            }
        }
    }
}
