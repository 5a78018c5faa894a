import Glibc

/// A local cluster of real processes in one data folder: Redis nodes, Postgres, brokers, workers and perhaps a relay,
/// each started again when it dies.
///
/// The children end with this process, even when it is killed: the kernel signals them.
public final class Cluster: Sendable {
    /// What happens to the processes, from the first start on, until `stop` has ended the last one. For one
    /// reader; the newest 1,024 events are kept for it.
    public var events: AsyncStream<ClusterEvent> { roster.events }

    let roster: Roster
    private let lock: FolderLock
    private let control = Monitor<ControlSocket?>(nil)

    /// Starts a cluster. Returns when Redis answers PING, Postgres lets us in, the ledger is migrated,
    /// brokers listen and workers run.
    ///
    /// Cancelling the task gives up. After a failure everything that was started has been stopped.
    ///
    /// - Throws: `ClusterError` in one sentence.
    public static func start(_ configuration: ClusterConfiguration) async throws(ClusterError) -> Cluster {
        let result = await Blocking.run { cancellation in
            Result { () throws(ClusterError) in try startNow(configuration, unless: cancellation) }
        }
        return try result.get()
    }

    private static func startNow(
        _ configuration: ClusterConfiguration, unless cancellation: Blocking.Cancellation
    ) throws(ClusterError) -> Cluster {
        try configuration.check()
        let layout = configuration.layout
        try layout.check(redisCount: configuration.redisCount, brokerCount: configuration.brokerCount)
        let programs = try Programs(dataVersion: Postgres.dataVersion(layout))
        guard access(configuration.stampedeExecutable, X_OK) == 0 else {
            throw ClusterError(
                .missingProgram,
                "“\(configuration.stampedeExecutable)” is no program: build it with `make build`.")
        }
        try DataFolder(layout: layout).makeRoot()
        let cluster = Cluster(Roster(try configuration.withPorts()), try FolderLock(layout.lock))
        do throws(ClusterError) {
            try Startup(roster: cluster.roster, programs: programs, cancellation: cancellation).run()
            try cluster.takeOrders()
        } catch {
            cluster.stopNow()
            throw error
        }
        return cluster
    }

    /// Ends what a supervisor that was killed has left of the cluster in a folder. Does nothing while one runs.
    package static func retireOrphans(in folder: String) {
        let layout = Layout(folder: folder)
        guard access(layout.lock, F_OK) == 0, let lock = try? FolderLock(layout.lock) else { return }
        Postgres.retireOrphan(layout)
        lock.release()
    }

    private func takeOrders() throws(ClusterError) {
        let socket = try ControlSocket(at: roster.layout.controlSocket, roster)
        control.withLock { $0 = socket }
    }

    private init(_ roster: Roster, _ lock: FolderLock) {
        self.roster = roster
        self.lock = lock
    }

    // MARK: What there is

    /// The endpoints services connect to, one per broker.
    public var brokerEndpoints: [String] { roster.configuration.brokers.map(\.clients) }
    /// A libpq connection string for the ledger.
    public var ledgerDSN: String { roster.layout.dsn(application: "stampede") }
    /// `unix:/path` per Redis node.
    public var redisAddresses: [String] { roster.configuration.redisAddresses }
    /// The provider that the cluster pays at, and where it tells of events, if there is one.
    public var payments: ClusterFile.Payments? { roster.configuration.payments }
    /// `unix:/path` of the Redis server that keeps events; nil without a relay.
    public var eventsAddress: String? { roster.configuration.eventsAddress }
    /// The processes in the order of their start: `redis-1` …, `postgres`, `broker-1` …, `worker-1` …; with
    /// a relay, `events` before `postgres` and `relay` behind them; with payments, `sandbox` and `payments-1` at the end.
    public var names: [String] { roster.children.map(\.name) }
    /// Whether the process of that name runs and, if it is a server, lets clients in.
    package func serves(_ name: String) -> Bool {
        guard pid(of: name) != nil else { return false }
        let layout = roster.layout
        if name == "postgres" {
            return UnixSocket.letsIn(layout.postgresSocket, user: "stampede", database: "stampede")
        }
        if let ports = roster.configuration.paymentPorts {
            if name == ClusterConfiguration.sandboxName { return LoopbackPort.accepts(ports.provider) }
            if name == ClusterConfiguration.paymentsName { return LoopbackPort.accepts(ports.webhook) }
        }
        if name == Layout.events { return UnixSocket.answersPing(layout.eventsSocket) }
        if name.hasPrefix("redis") { return UnixSocket.answersPing("\(layout.run)/\(name).sock") }
        return !name.hasPrefix("broker") || UnixSocket.accepts("\(layout.run)/\(name)-clients.sock")
    }
    /// The process of that name, while it runs.
    public func pid(of name: String) -> Int32? { try? roster.child(name).pid }

    /// True from the beginning of `stop`.
    public var isStopping: Bool { roster.isClosed }

    // MARK: What can be done to it

    /// Sends a signal to a process. Returns false when it does not run at the moment.
    ///
    /// - Throws: `notRunning` when the cluster has no such process.
    @discardableResult
    public func kill(_ name: String, _ signal: Int32) throws(ClusterError) -> Bool {
        try roster.child(name).signal(signal)
    }

    /// Whether a process is started again when it dies; so it is from the beginning. Set to true, a dead
    /// process is started at once.
    ///
    /// - Throws: `notRunning` when the cluster has no such process.
    public func setSupervised(_ name: String, _ isSupervised: Bool) throws(ClusterError) {
        try roster.child(name).setSupervised(isSupervised)
    }

    /// Starts a dead process now, supervised or not. Does nothing to one that runs.
    ///
    /// - Throws: `notRunning` when the cluster has no such process.
    public func start(_ name: String) throws(ClusterError) { try roster.child(name).startNow() }

    /// Starts one more worker and returns its name.
    ///
    /// - Throws: `startFailed` when it dies again and again, `configuration` when there are too many.
    public func addWorker() async throws(ClusterError) -> String {
        let roster = roster
        let result = await Blocking.run { cancellation in
            Result { () throws(ClusterError) in
                try roster.addSettledWorker(unless: cancellation).name
            }
        }
        return try result.get()
    }

    /// Stops what pays, the workers, the brokers, the relay, Postgres and Redis in this order, and kills what does not end in
    /// time. May be called again, and then waits for the first call.
    public func stop() async {
        await Blocking.run { [self] _ in stopNow() }
    }

    private func stopNow() {
        control.withLock { $0?.close() }
        roster.close()
        // What it has in hand is open in the ledger, and its successor finishes it.
        roster.stop(ClusterConfiguration.paymentsName, grace: .seconds(10))
        roster.stop(ClusterConfiguration.sandboxName, grace: .seconds(5))
        // A worker finishes its commit in flight and releases its leases, which needs the other three.
        roster.stop("worker", grace: .seconds(10))
        roster.stop("broker", grace: .seconds(5))
        roster.stop(Layout.relay, grace: .seconds(10))
        roster.stop(Layout.events, grace: .seconds(10))
        // The shutdown checkpoint writes all that a sale has left in memory.
        roster.stop("postgres", grace: .seconds(30))
        roster.stop("redis", grace: .seconds(5))
        DataFolder(layout: roster.layout).removeSockets()
        roster.finishEvents()
        lock.release()
    }
}
