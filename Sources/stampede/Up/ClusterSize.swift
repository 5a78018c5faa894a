import ArgumentParser
import Cluster
import Workers

/// How large a local cluster is, and how its processes are set.
struct ClusterSize: ParsableArguments {
    @Option(help: "How many brokers. (default: 1)")
    var brokers: Int?

    @Option(help: "How many workers. (default: 2)")
    var workers: Int?

    @Option(help: "How many independent Redis nodes. (default: 5)")
    var redis: Int?

    @Option(help: "Into how many partitions a new ledger divides its work. (default: 64)")
    var partitions: Int?

    @Option(
        name: .customLong("lease-ttl"),
        help: ArgumentHelp("Lifetime of the workers' leases. (default: 3000)", valueName: "ms"))
    var leaseTTL: Int?

    @Option(
        help: ArgumentHelp(
            "What workers do when the Redis nodes make no quorum: continue or refuse. (default: continue)",
            valueName: "policy"))
    var onQuorumLoss: String?

    func configuration(
        folder: String, _ settings: Settings, _ log: LogOptions, _ config: ConfigOptions
    ) throws(Failure) -> ClusterConfiguration {
        let processes = 1...ClusterConfiguration.processLimit
        var configuration = ClusterConfiguration(folder: folder)
        configuration.brokerCount = try settings.integer(brokers, "brokers", in: processes, default: 1)
        configuration.workerCount = try settings.integer(workers, "workers", in: processes, default: 2)
        configuration.redisCount = try settings.integer(redis, "redis", in: processes, default: 5)
        configuration.partitions = try settings.integer(partitions, "partitions", in: 1...4_096, default: 64)
        configuration.leaseTTLMilliseconds = try settings.leaseTTL(leaseTTL)
        let policy = try settings.choice(
            onQuorumLoss, "on-quorum-loss", of: WorkerConfiguration.QuorumLossPolicy.allCases,
            default: .continue)
        configuration.signsReceipts = true
        // What the file and the environment say to us they say to the children too; flags must be passed on.
        _ = try log.logger("children", settings)
        var shared = try log.arguments(settings)
        if let file = config.config { shared += ["--config", try DataPath.resolve(file)] }
        configuration.brokerArguments = shared
        configuration.workerArguments = shared + ["--on-quorum-loss", policy.rawValue]
        return configuration
    }
}
