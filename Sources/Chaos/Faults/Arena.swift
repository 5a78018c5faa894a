import Client
import Cluster
import Methods
import Resilience
import Sales
import Synchronization
import Wire

/// The cluster under attack, and all that a fault needs to hit it.
final class Arena: Sendable {
    let plan: Plan
    let cluster: Cluster
    let hub: RelayHub
    let client: StampedeClient
    let shop: Storefront
    let folder: String
    let shim: ClockShim?
    private let random: Mutex<SplitMix64>

    init(
        plan: Plan, cluster: Cluster, hub: RelayHub, client: StampedeClient, shop: Storefront, folder: String,
        shim: ClockShim?, seed: UInt64
    ) {
        self.plan = plan
        self.cluster = cluster
        self.hub = hub
        self.client = client
        self.shop = shop
        self.folder = folder
        self.shim = shim
        random = Mutex(SplitMix64(seed: seed ^ 0xfa17))
    }

    func partition(of sale: SaleID) -> Int {
        RoutingKey(sale: sale.rawValue, lane: 0).partition(of: plan.partitions)
    }

    /// Who owns which partition, as the first broker that answers sees it.
    func owners() async -> [Int: String] {
        for answer in await client.brokerStatus(options: CallOptions(deadline: .milliseconds(500))) {
            guard case .success(let status) = answer.status else { continue }
            let pairs = status.partitions.compactMap { partition in
                partition.owner.map { (Int(partition.partition.rawValue), $0) }
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
        return [:]
    }

    /// Waits until all brokers see an owner for every partition.
    func awaitOwners(atMost limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while .now < end, !Task.isCancelled {
            let statuses = await client.brokerStatus(options: CallOptions(deadline: .milliseconds(500)))
            let areComplete = statuses.allSatisfy { answer in
                guard case .success(let status) = answer.status else { return false }
                return status.partitions.count == plan.partitions
                    && status.partitions.allSatisfy { $0.owner != nil }
            }
            if areComplete, !statuses.isEmpty { return true }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// Waits until a broker sees the worker as fit.
    func awaitFit(_ worker: String, atMost limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while .now < end, !Task.isCancelled {
            let statuses = await client.brokerStatus(options: CallOptions(deadline: .milliseconds(500)))
            for case .success(let status) in statuses.map(\.status)
            where status.workers.contains(where: { $0.name == worker && $0.state == "fit" }) {
                return true
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    // MARK: Whom a target means

    /// The names of the processes of a kind, in order.
    func names(_ kind: Target.Kind) -> [String] {
        kind == .client ? ["client"] : cluster.names.filter { $0.hasPrefix(kind.rawValue) }
    }

    func resolve(_ target: Target) async throws(ChaosError) -> [String] {
        switch target {
        case .owner:
            guard let owner = await owners()[partition(of: shop.hot.sale)] else {
                throw ChaosError(
                    .fault, "no broker knows who owns the hot sale: a fault before it has not healed")
            }
            return [owner]
        case .number(let kind, let number):
            let name = kind == .postgres || kind == .client ? kind.rawValue : "\(kind.rawValue)-\(number)"
            guard names(kind).contains(name) else {
                throw ChaosError(
                    .fault, "the cluster has no \(name): it has \(names(kind).joined(separator: ", "))")
            }
            return [name]
        case .any(let kind): return draw(1, kind)
        case .minority(let kind): return draw((names(kind).count - 1) / 2, kind)
        case .majority(let kind): return draw(names(kind).count / 2 + 1, kind)
        case .all(let kind): return names(kind)
        }
    }

    private func draw(_ count: Int, _ kind: Target.Kind) -> [String] {
        let all = names(kind)
        let drawn = random.withLock { all.shuffled(using: &$0) }.prefix(count)
        return all.filter(drawn.contains)
    }

    /// Partitions with a sale that a fault of these processes touches.
    func partitions(touchedBy names: [String]) async -> [Int] {
        let sold = Set(shop.all.map { partition(of: $0.sale) })
        guard names.allSatisfy({ $0.hasPrefix("worker") }) else { return sold.sorted() }
        let owners = await owners()
        return sold.filter { partition in owners[partition].map(names.contains) ?? true }.sorted()
    }

    /// The connections of a link that begin or end at one of these processes.
    func links(_ link: Link, of victims: [String]) -> [RelayHub.LinkName] {
        let (from, to) = link.kinds
        return names(from).flatMap { from in names(to).map { RelayHub.LinkName(from: from, to: $0) } }
            .filter { victims.contains($0.from) || victims.contains($0.to) }
    }
}

extension Link {
    var kinds: (from: Target.Kind, to: Target.Kind) {
        switch self {
        case .workerRedis: (.worker, .redis)
        case .workerPostgres: (.worker, .postgres)
        case .workerBroker: (.worker, .broker)
        case .clientBroker: (.client, .broker)
        }
    }
}
