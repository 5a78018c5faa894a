import Client
import Methods
import Sales

/// What all brokers say, put together. A worker's rate is the sum over the brokers; a partition's owner is who
/// has the highest fence that any of them heard of.
struct StatusView {
    private let brokers: [(endpoint: String, status: Result<BrokerStatus, CallError>)]
    private var workers: [String: BrokerStatus.Worker] = [:]
    private var partitions: [Partition: BrokerStatus.PartitionOwner] = [:]
    private var closedSales: Set<SaleID> = []

    init(_ brokers: [(endpoint: String, status: Result<BrokerStatus, CallError>)]) {
        self.brokers = brokers
        for case .success(let status) in brokers.map(\.status) { add(status) }
    }

    /// How many brokers answered.
    var answers: Int { brokers.count { (try? $0.status.get()) != nil } }

    private mutating func add(_ status: BrokerStatus) {
        for worker in status.workers {
            guard var sum = workers[worker.name] else {
                workers[worker.name] = worker
                continue
            }
            sum.inFlight += worker.inFlight
            sum.calls += worker.calls
            sum.rate += worker.rate
            workers[worker.name] = sum
        }
        for partition in status.partitions {
            guard var known = partitions[partition.partition] else {
                partitions[partition.partition] = partition
                continue
            }
            let parked = known.parked + partition.parked
            if (partition.fence, partition.owner == nil ? 0 : 1) > (known.fence, known.owner == nil ? 0 : 1) {
                known = partition
            }
            known.parked = parked
            partitions[partition.partition] = known
        }
        closedSales.formUnion(status.gates.map(\.sale))
    }

    private var sortedPartitions: [BrokerStatus.PartitionOwner] {
        partitions.values.sorted { $0.partition < $1.partition }
    }

    // MARK: For people

    func text(wide: Bool) -> String {
        let gates = closedSales.sorted().map(\.description)
        var parts = [brokerTable.text, workerTable.text, wide ? partitionTable.text : ownerTable.text]
        parts.append(
            gates.isEmpty ? "No gate is closed." : "Sold out: sales " + gates.joined(separator: ", "))
        return parts.joined(separator: "\n\n")
    }

    private var brokerTable: Table {
        var table = Table([
            ("BROKER", .left), ("CLIENTS", .right), ("IN-FLIGHT", .right), ("PARKED", .right),
            ("CALLS/S", .right), ("CALLS", .right), ("GATED", .right), ("UPTIME", .right),
            ("ENDPOINT", .left),
        ])
        for (endpoint, status) in brokers {
            switch status {
            case .success(let status):
                table.add([
                    status.name, status.clients.grouped, status.inFlight.grouped, status.parked.grouped,
                    status.rate.grouped, status.calls.grouped, status.gateRefusals.grouped,
                    "\(status.uptimeMilliseconds / 1_000)s", endpoint,
                ])
            case .failure:
                table.add(["no-answer", "-", "-", "-", "-", "-", "-", "-", endpoint])
            }
        }
        return table
    }

    private var workerTable: Table {
        var table = Table([
            ("WORKER", .left), ("STATE", .left), ("PARTITIONS", .right), ("CALLS/S", .right),
            ("IN-FLIGHT", .right), ("LEASE-LEFT", .right),
        ])
        for worker in workers.values.sorted(by: { $0.name < $1.name }) {
            table.add([
                worker.name, worker.state, "\(partitions.values.count { $0.owner == worker.name })",
                worker.rate.grouped, worker.inFlight.grouped,
                worker.leaseLeftMilliseconds.map { "\($0)ms" } ?? "-",
            ])
        }
        return table
    }

    /// A line per owner and fence is short, because most fences are alike.
    private var ownerTable: Table {
        var table = Table([("OWNER", .left), ("FENCE", .right), ("PARKED", .right), ("PARTITIONS", .left)])
        let groups = Dictionary(grouping: sortedPartitions) { Group(owner: $0.owner ?? "-", fence: $0.fence) }
        for (group, members) in groups.sorted(by: {
            ($0.key.owner, $0.key.fence) < ($1.key.owner, $1.key.fence)
        }) {
            table.add([
                group.owner, "\(group.fence)", members.reduce(0) { $0 + $1.parked }.grouped,
                Ranges.text(members.map { Int($0.partition.rawValue) }),
            ])
        }
        return table
    }

    private struct Group: Hashable {
        let owner: String
        let fence: Fence
    }

    private var partitionTable: Table {
        var table = Table([("PARTITION", .right), ("OWNER", .left), ("FENCE", .right), ("PARKED", .right)])
        for partition in sortedPartitions {
            table.add([
                "\(partition.partition)", partition.owner ?? "-", "\(partition.fence)",
                partition.parked.grouped,
            ])
        }
        return table
    }

    // MARK: For machines

    var json: JSON {
        .object([
            ("brokers", .array(brokers.map { broker($0.endpoint, $0.status) })),
            (
                "workers",
                .array(
                    workers.values.sorted { $0.name < $1.name }.map { worker in
                        .object([
                            ("name", .string(worker.name)), ("state", .string(worker.state)),
                            ("rate", .integer(worker.rate)), ("in_flight", .integer(worker.inFlight)),
                            ("calls", .integer(worker.calls)),
                            (
                                "lease_left_ms",
                                worker.leaseLeftMilliseconds.map { .integer($0) } ?? .null
                            ),
                        ])
                    })
            ),
            (
                "partitions",
                .array(
                    sortedPartitions.map { partition in
                        .object([
                            ("partition", .integer(partition.partition.rawValue)),
                            ("owner", .string(partition.owner)),
                            ("fence", .integer(partition.fence.rawValue)),
                            ("parked", .integer(partition.parked)),
                        ])
                    })
            ),
            ("sold_out", .array(closedSales.sorted().map { .integer($0.rawValue) })),
        ])
    }

    private func broker(_ endpoint: String, _ status: Result<BrokerStatus, CallError>) -> JSON {
        switch status {
        case .success(let status):
            .object([
                ("endpoint", .string(endpoint)), ("name", .string(status.name)),
                ("uptime_ms", .integer(status.uptimeMilliseconds)), ("clients", .integer(status.clients)),
                ("in_flight", .integer(status.inFlight)), ("parked", .integer(status.parked)),
                ("calls", .integer(status.calls)), ("rate", .integer(status.rate)),
                ("gated", .integer(status.gateRefusals)), ("malformed", .integer(status.malformed)),
            ])
        case .failure(let error):
            .object([("endpoint", .string(endpoint)), ("error", .string(error.message))])
        }
    }
}
