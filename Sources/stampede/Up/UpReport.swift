import Cluster

/// What `up` says: what runs where, what to type next, and what happens to the processes.
enum UpReport {
    static func text(_ cluster: Cluster, _ folder: String) -> String {
        var table = Table([("PROCESS", .left), ("PID", .right), ("ADDRESS", .left)])
        for name in cluster.names {
            table.add([name, cluster.pid(of: name).map { "\($0)" } ?? "-", address(name, cluster)])
        }
        // The standard folder need not be named.
        let data = folder == DataPath.standard ? "" : " --data \(folder)"
        let pay =
            cluster.payments == nil ? "" : "\n  stampede order pay ORDER --buyer 7 --token tok_ok\(data)"
        return """
            \(table.text)

            Logs are in \(folder)/logs. In another terminal:
              stampede sale create Sneaker --units 1000 --price 89.90 --limit 2\(data)
              stampede status --watch\(data)
              stampede scale 4\(data)
              stampede relay status\(data)\(pay)
              stampede audit\(data)
            Ctrl-C stops the cluster and keeps its ledger.
            """
    }

    private static func address(_ name: String, _ cluster: Cluster) -> String {
        let number = name.split(separator: "-").last.flatMap { Int($0) } ?? 0
        if name.hasPrefix("redis"), cluster.redisAddresses.indices.contains(number - 1) {
            return cluster.redisAddresses[number - 1]
        }
        if name.hasPrefix("broker"), cluster.brokerEndpoints.indices.contains(number - 1) {
            return cluster.brokerEndpoints[number - 1]
        }
        if name.hasPrefix("sandbox") { return cluster.payments?.provider ?? "" }
        if name.hasPrefix("payments") { return cluster.payments?.webhook ?? "" }
        if name == "events", let address = cluster.eventsAddress {
            return "\(address) (stream stampede:events)"
        }
        return name == "postgres" ? cluster.ledgerDSN : ""
    }

    static func json(_ cluster: Cluster, _ folder: String) -> String {
        JSON.object([
            ("ready", .bool(true)), ("data", .string(folder)),
            ("brokers", .array(cluster.brokerEndpoints.map { .string($0) })),
            ("ledger", .string(cluster.ledgerDSN)),
            ("events", .string(cluster.eventsAddress)),
            ("redis", .array(cluster.redisAddresses.map { .string($0) })),
            ("provider", .string(cluster.payments?.provider)),
            ("provider_key_file", .string(cluster.payments?.providerKeyFile)),
            (
                "pids",
                .object(
                    cluster.names.map { name in (name, cluster.pid(of: name).map { .integer($0) } ?? .null) })
            ),
        ]).text
    }

    /// Tells of deaths, restarts and changes of size until the cluster has stopped. The first starts are in the table
    /// already, and the end is told otherwise.
    static func follow(_ cluster: Cluster) async {
        var dead: Set<String> = []
        var known = Set(cluster.names)
        for await event in cluster.events {
            switch event {
            case .started(let name, let pid):
                if dead.remove(name) != nil {
                    Terminal.message("\(name) runs again as process \(pid).")
                } else if known.insert(name).inserted {
                    Terminal.message("\(name) runs as process \(pid).")
                }
            case .exited(let name, let status, let pause):
                dead.insert(name)
                let next = pause.map { "it is started again in \(milliseconds($0)) ms" } ?? "it stays dead"
                Terminal.message("\(name) ended with \(status); \(next).")
            case .stopped(let name):
                if !cluster.isStopping { Terminal.message("\(name) has handed over and ended.") }
            }
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
