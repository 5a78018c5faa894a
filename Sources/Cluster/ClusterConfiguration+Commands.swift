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

    var eventsAddress: String? { hasRelay ? "unix:\(layout.eventsSocket)" : nil }

    func redisCommand(_ index: Int, program: String) -> Command {
        let name = layout.redisName(index)
        // A lease must not survive on disk: a node that restarts is empty, and Redlock counts on that.
        let arguments = [
            "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--port", "0",
            "--unixsocket", layout.redisSocket(index), "--unixsocketperm", "700", "--daemonize", "no",
            "--dir", "\(folder)/\(name)", "--logfile", layout.log(name),
        ]
        return Command(
            executable: program, arguments: arguments, log: layout.log(name), variables: environment(name))
    }

    /// The Redis server that keeps events: on disk before a cursor moves past them, and as much as the relay lets be.
    func eventsCommand(program: String) -> Command {
        let arguments = [
            "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy",
            "noeviction",
            "--port", "0", "--unixsocket", layout.eventsSocket, "--unixsocketperm", "700", "--daemonize",
            "no",
            "--dir", layout.eventsData, "--logfile", layout.log(Layout.events),
        ]
        return Command(
            executable: program, arguments: arguments, log: layout.log(Layout.events),
            variables: environment(Layout.events))
    }

    func relayCommand() -> Command {
        stampede(
            Layout.relay,
            [
                "relay", "run", "--ledger", layout.dsn(application: Layout.relay), "--sink", "tables",
                "--sink",
                "redis+unix:\(layout.eventsSocket)",
            ] + relayArguments)
    }

    func migrateCommand() -> Command {
        stampede(
            "migrate",
            ["migrate", "--ledger", layout.dsn(application: "migrate"), "--partitions", "\(partitions)"])
    }

    func receiptKeyCommand() -> Command {
        stampede("keygen", ["keygen", "receipts", "--receipts", "--out", folder])
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
        var arguments = ["worker", "--name", name]
        for index in 1...brokerCount {
            let socket = detour(name, layout.brokerName(index), layout.workersSocket(index))
            arguments += ["--broker", "ipc://\(socket)"]
        }
        for index in 1...redisCount {
            let socket = detour(name, layout.redisName(index), layout.redisSocket(index))
            arguments += ["--redis", "unix:\(socket)"]
        }
        arguments += ["--ledger", ledger(for: name), "--lease-ttl", "\(leaseTTLMilliseconds)"]
        if signsReceipts { arguments += ["--receipt-key", layout.receiptKey] }
        return stampede(name, arguments + workerArguments)
    }

    /// libpq is told a folder, and finds the socket in it by the port's number.
    private func ledger(for worker: String) -> String {
        let socket = detour(worker, "postgres", layout.postgresSocket)
        let folder = socket.lastIndex(of: "/").map { String(socket[..<$0]) } ?? layout.postgresSockets
        return layout.dsn(application: worker, sockets: folder)
    }

    func stampede(_ name: String, _ arguments: [String]) -> Command {
        Command(
            executable: stampedeExecutable, arguments: arguments, log: layout.log(name),
            variables: environment(name))
    }
}
