package import Methods
import Sales
package import Wire

extension BrokerCore {
    /// What the broker sees, for `broker.status`.
    package func status(_ now: MonotonicTime) -> BrokerStatus {
        let workers = self.workers.compactMap { worker in
            worker.map {
                BrokerStatus.Worker(
                    name: $0.name, inFlight: Int64($0.inFlight.count), calls: $0.answers,
                    rate: Int64($0.rate.perSecond), leaseLeftMilliseconds: $0.leaseLeft,
                    state: $0.isDraining ? "draining" : $0.isFit ? "fit" : "unfit", canOwn: $0.canOwn)
            }
        }
        let owners = partitions.enumerated().map { index, state in
            BrokerStatus.PartitionOwner(
                partition: Partition(rawValue: Int16(index)),
                owner: state.owner < 0 ? nil : self.workers[Int(state.owner)]?.name, fence: state.fence,
                parked: Int64(state.parked.count))
        }
        let closed = gates.filter { $0.value.lapses > now }.map { key, gate in
            BrokerStatus.Gate(
                sale: SaleID(rawValue: key.routing.sale), lane: Lane(rawValue: key.routing.lane),
                partition: Partition(rawValue: gate.partition))
        }
        return BrokerStatus(
            name: configuration.name, uptimeMilliseconds: (now - started).milliseconds,
            clients: Int64(clientIndex.count), inFlight: Int64(table.count), parked: Int64(parkedCount),
            calls: counters.calls, malformed: counters.malformed, gateRefusals: counters.gateRefusals,
            rate: Int64(rate.perSecond), workers: workers, partitions: owners,
            gates: closed.sorted { $0.sale < $1.sale })
    }
}
