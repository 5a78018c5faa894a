/// The command lines of the children.
extension ClusterConfiguration {
    var layout: Layout { Layout(folder: folder) }

    var brokers: [ClusterFile.Broker] {
        (1...brokerCount).map {
            ClusterFile.Broker(
                name: layout.brokerName($0), clients: "ipc://\(layout.clientsSocket($0))",
                workers: "ipc://\(layout.workersSocket($0))")
        }
    }

    var redisAddresses: [String] { (1...redisCount).map { "unix:\(layout.redisSocket($0))" } }

    func redisCommand(_ index: Int, program: String) -> Command {
        let name = layout.redisName(index)
        // A lease must not survive on disk: a node that restarts is empty, and Redlock counts on that.
        let arguments = [
            "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--port", "0",
            "--unixsocket", layout.redisSocket(index), "--unixsocketperm", "700", "--daemonize", "no",
            "--dir", "\(folder)/\(name)", "--logfile", layout.log(name),
        ]
        return Command(executable: program, arguments: arguments, log: layout.log(name))
    }

    func migrateCommand() -> Command {
        stampede(
            "migrate",
            ["migrate", "--ledger", layout.dsn(application: "migrate"), "--partitions", "\(partitions)"])
    }

    func brokerCommand(_ broker: ClusterFile.Broker) -> Command {
        stampede(
            broker.name,
            [
                "broker", "--name", broker.name, "--clients", broker.clients, "--workers", broker.workers,
                "--lease-ttl", "\(leaseTTLMilliseconds)",
            ] + brokerArguments)
    }

    func workerCommand(_ name: String) -> Command {
        stampede(
            name,
            ["worker", "--name", name]
                + brokers.flatMap { ["--broker", $0.workers] }
                + redisAddresses.flatMap { ["--redis", $0] }
                + ["--ledger", layout.dsn(application: name), "--lease-ttl", "\(leaseTTLMilliseconds)"]
                + workerArguments)
    }

    private func stampede(_ name: String, _ arguments: [String]) -> Command {
        Command(executable: stampedeExecutable, arguments: arguments, log: layout.log(name))
    }
}
