import Client
import Cluster
import Glibc
import Methods
import Sales
import Wire

/// One plan played on a cluster of its own: clean load, faults, healing, quiet, drain, and what a checker needs
/// to judge it.
public struct Episode: Sendable {
    public let plan: Plan
    public let seed: UInt64
    /// Everything of the episode is in it; must not be in use.
    public let folder: String
    /// A line for whoever watches.
    let tell: @Sendable (String) -> Void

    public init(plan: Plan, seed: UInt64, folder: String, tell: @escaping @Sendable (String) -> Void) {
        self.plan = plan
        self.seed = seed
        self.folder = folder
        self.tell = tell
    }

    /// Where the journal and the exported tables are.
    public var results: String { "\(folder)/results" }

    /// Plays it. Whatever happens, every fault is healed and everything that was started is stopped.
    ///
    /// - Throws: `ChaosError` when it could not be played to its end.
    public func play() async throws(ChaosError) {
        for path in [folder, results, "\(folder)/relays", "\(folder)/shim"] { try Files.makeFolder(path) }
        let journal = try Journal(path: "\(results)/journal.jsonl")
        journal.write(opening(journal))
        let hub = RelayHub(folder: "\(folder)/relays")
        defer { hub.stop() }
        let shim = plan.stepsClocks ? try await ClockShim.build(in: "\(folder)/shim") : nil
        let cluster = try await start(hub, shim)
        let watcher = Task { await watch(cluster, journal) }
        let result = await playing(cluster, hub, shim, journal)
        await cluster.stop()
        await watcher.value
        journal.sync()
        try result.get()
    }

    private func opening(_ journal: Journal) -> Record {
        journal.record("episode").adding("plan", plan.name).adding("about", plan.about)
            .adding("seed", Int64(bitPattern: seed)).adding("rate", plan.rate)
            .adding("partitions", plan.partitions).adding("ttl", plan.leaseTTL.count * 1_000)
            .adding("quorum_loss", plan.onQuorumLoss).adding("wall", Journal.wall)
            .adding("workers", plan.workers).adding("brokers", plan.brokers).adding("redis", plan.redis)
    }

    private func start(_ hub: RelayHub, _ shim: ClockShim?) async throws(ChaosError) -> Cluster {
        var configuration = ClusterConfiguration(folder: folder)
        configuration.signsReceipts = true
        configuration.brokerCount = plan.brokers
        configuration.workerCount = plan.workers
        configuration.redisCount = plan.redis
        configuration.partitions = plan.partitions
        configuration.leaseTTLMilliseconds = plan.leaseTTL.count
        configuration.workerArguments = ["--on-quorum-loss", plan.onQuorumLoss]
        configuration.detour = { hub.detour($0, $1, $2) }
        if let shim {
            configuration.environment = { name in
                name.hasPrefix("redis") || name.hasPrefix("worker") ? shim.environment(name) : [:]
            }
        }
        do throws(ClusterError) {
            return try await Cluster.start(configuration)
        } catch {
            throw ChaosError(.cluster, error.message)
        }
    }

    private func playing(
        _ cluster: Cluster, _ hub: RelayHub, _ shim: ClockShim?, _ journal: Journal
    ) async -> Result<Void, ChaosError> {
        var client: StampedeClient?
        let result: Result<Void, ChaosError>
        do throws(ChaosError) {
            let endpoints = (1...plan.brokers).map { index in
                let socket = "\(folder)/run/broker-\(index)-clients.sock"
                return "ipc://\(hub.detour("client", "broker-\(index)", socket))"
            }
            let made = try Episode.connect(endpoints)
            client = made
            let shop = Storefront(plan, seed: seed)
            let arena = Arena(
                plan: plan, cluster: cluster, hub: hub, client: made, shop: shop, folder: folder, shim: shim,
                seed: seed)
            try await Run(episode: self, arena: arena, caller: Caller(made, journal), journal: journal).play()
            result = .success(())
        } catch {
            journal.write(journal.record("failure").adding("message", error.message))
            result = .failure(error)
        }
        hub.heal()
        await client?.close()
        return result
    }

    private static func connect(_ endpoints: [String]) throws(ChaosError) -> StampedeClient {
        do throws(CallError) {
            return try StampedeClient(brokers: endpoints)
        } catch {
            throw ChaosError(.cluster, error.message)
        }
    }

    private func watch(_ cluster: Cluster, _ journal: Journal) async {
        for await event in cluster.events {
            switch event {
            case .started(let name, let pid):
                journal.write(journal.record("started").adding("process", name).adding("pid", pid))
            case .exited(let name, let status, _):
                journal.write(
                    journal.record("exited").adding("process", name).adding("status", "\(status)"))
            case .stopped: break
            }
        }
    }
}
