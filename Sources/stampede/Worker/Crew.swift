import Client
import Methods
import Sales
import Workers

/// The workers that can own partitions, as all brokers together see them, and what each should own.
struct Crew: Equatable {
    struct Member: Equatable {
        var name: String
        /// "fit" when any broker says so, else "draining" or "unfit".
        var state: String
        var owned = 0
        /// What it should own when all has moved.
        var target = 0
        var calls: Int64
        var leaseLeft: Int64?
        /// How many brokers see it.
        var seenBy = 1
    }

    /// In the order of their names.
    private(set) var members: [Member] = []
    private(set) var partitions = 0
    /// Partitions that no broker sees an owner of.
    private(set) var unowned = 0
    /// How many brokers answered.
    let brokers: Int

    init(_ statuses: [BrokerStatus]) {
        brokers = statuses.count
        for status in statuses {
            for worker in status.workers where worker.canOwn { add(worker) }
        }
        members.sort { $0.name < $1.name }
        let owners = Crew.owners(statuses)
        partitions = owners.count
        unowned = owners.values.count { $0.owner == nil }
        let fit = members.filter { $0.state == "fit" }.map(\.name)
        let targets = Targets(workers: fit, partitions: partitions)
        for index in members.indices {
            members[index].owned = owners.values.count { $0.owner == members[index].name }
            members[index].target = targets.count(of: members[index].name)
        }
    }

    init(_ answers: [(endpoint: String, status: Result<BrokerStatus, CallError>)]) {
        self.init(answers.compactMap { try? $0.status.get() })
    }

    private mutating func add(_ worker: BrokerStatus.Worker) {
        guard let index = members.firstIndex(where: { $0.name == worker.name }) else {
            members.append(
                Member(
                    name: worker.name, state: worker.state, calls: worker.calls,
                    leaseLeft: worker.leaseLeftMilliseconds))
            return
        }
        members[index].seenBy += 1
        members[index].calls += worker.calls
        if worker.state == "fit" || members[index].state == "unfit" { members[index].state = worker.state }
        let known = [members[index].leaseLeft, worker.leaseLeftMilliseconds].compactMap { $0 }
        members[index].leaseLeft = known.min()
    }

    /// By partition, what the broker says that has heard the highest fence.
    private static func owners(_ statuses: [BrokerStatus]) -> [Partition: BrokerStatus.PartitionOwner] {
        var owners: [Partition: BrokerStatus.PartitionOwner] = [:]
        for partition in statuses.flatMap(\.partitions) {
            if let known = owners[partition.partition],
                (known.fence, known.owner == nil ? 0 : 1)
                    >= (partition.fence, partition.owner == nil ? 0 : 1)
            {
                continue
            }
            owners[partition.partition] = partition
        }
        return owners
    }

    /// Every partition is where it should be, as far as numbers tell, with these workers and no others.
    func isBalanced(among names: [String]) -> Bool {
        members.map(\.name) == names.sorted() && partitions > 0 && unowned == 0
            && members.allSatisfy { $0.state == "fit" && $0.owned == $0.target && $0.seenBy == brokers }
    }

    /// On one line, for whoever waits.
    var summary: String {
        let parts = members.map { member in
            "\(member.name) \(member.owned)/\(member.target)\(member.state == "fit" ? "" : " (\(member.state))")"
        }
        return parts.joined(separator: ", ") + (unowned > 0 ? ", \(unowned) without an owner" : "")
    }

    var text: String {
        var table = Table([
            ("WORKER", .left), ("STATE", .left), ("PARTITIONS", .right), ("TARGET", .right),
            ("CALLS", .right), ("LEASE-LEFT", .right), ("BROKERS", .right),
        ])
        for member in members {
            table.add([
                member.name, member.state, "\(member.owned)", "\(member.target)", member.calls.grouped,
                member.leaseLeft.map { "\($0)ms" } ?? "-", "\(member.seenBy)/\(brokers)",
            ])
        }
        return table.text + (unowned > 0 ? "\n\n\(unowned.counted("partition")) without an owner." : "")
    }

    var json: JSON {
        .object([
            (
                "workers",
                .array(
                    members.map { member in
                        .object([
                            ("name", .string(member.name)), ("state", .string(member.state)),
                            ("partitions", .integer(member.owned)), ("target", .integer(member.target)),
                            ("calls", .integer(member.calls)),
                            ("lease_left_ms", member.leaseLeft.map { .integer($0) } ?? .null),
                            ("brokers", .integer(member.seenBy)),
                        ])
                    })
            ), ("unowned", .integer(unowned)), ("brokers", .integer(brokers)),
        ])
    }
}
