/// Where everything of a cluster is: paths in its folder, and the endpoints made from them. All sockets are
/// Unix sockets in the folder, so that no cluster meets another, nor a server on a standard port.
struct Layout: Sendable {
    let folder: String

    var lock: String { "\(folder)/lock" }
    var file: String { "\(folder)/cluster.json" }
    var receiptKey: String { "\(folder)/receipts.key" }
    var logs: String { "\(folder)/logs" }
    var run: String { "\(folder)/run" }
    var postgresData: String { "\(folder)/postgres" }
    /// Postgres' data until it is complete, so that an interrupted start leaves nothing half made.
    var postgresDraft: String { "\(folder)/postgres.draft" }
    /// Apart from the other sockets, because it belongs to the user postgres when root starts the cluster.
    var postgresSockets: String { "\(run)/postgres" }
    /// The port only names the socket file; nothing listens on TCP.
    var postgresSocket: String { "\(postgresSockets)/.s.PGSQL.5432" }

    /// Where a running cluster takes orders.
    var controlSocket: String { "\(run)/control.sock" }

    /// What the processes that pay keep and share.
    var payments: String { "\(folder)/payments" }
    var providerKey: String { "\(payments)/provider.key" }
    var webhookSecret: String { "\(payments)/webhook.key" }
    var charges: String { "\(payments)/charges.jsonl" }

    /// The Redis server that keeps events, none of those that keep leases: chaos wipes them.
    var eventsSocket: String { "\(run)/events.sock" }
    var eventsData: String { "\(folder)/events" }

    func log(_ name: String) -> String { "\(logs)/\(name).log" }
    static let events = "events"
    static let relay = "relay"
    func redisName(_ index: Int) -> String { "redis-\(index)" }
    func redisSocket(_ index: Int) -> String { "\(run)/\(redisName(index)).sock" }
    func brokerName(_ index: Int) -> String { "broker-\(index)" }
    func workerName(_ index: Int) -> String { "worker-\(index)" }
    func clientsSocket(_ index: Int) -> String { "\(run)/\(brokerName(index))-clients.sock" }
    func workersSocket(_ index: Int) -> String { "\(run)/\(brokerName(index))-workers.sock" }

    /// A libpq connection string. The configuration has refused folders that would need quoting.
    /// https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING
    func dsn(application: String, sockets: String? = nil) -> String {
        "host=\(sockets ?? postgresSockets) port=5432 dbname=stampede user=stampede "
            + "application_name=\(application)"
    }

    /// unix(7): `sun_path` has 108 bytes, the last of which must be zero.
    static let socketPathLimit = 107

    func check(redisCount: Int, brokerCount: Int) throws(ClusterError) {
        let longest =
            [postgresSocket, redisSocket(redisCount), clientsSocket(brokerCount)]
            .map(\.utf8.count).max() ?? 0
        guard longest <= Self.socketPathLimit else {
            throw ClusterError(
                .configuration,
                "The data folder “\(folder)” is \(longest - Self.socketPathLimit) bytes too long for the Unix "
                    + "sockets in it: choose a shorter one with --data.")
        }
    }
}
