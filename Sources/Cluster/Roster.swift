import Glibc

/// The children of a cluster, in the order in which they were started, and what is told about them.
final class Roster: Sendable {
    let configuration: ClusterConfiguration
    let layout: Layout
    let events: AsyncStream<ClusterEvent>
    private let continuation: AsyncStream<ClusterEvent>.Continuation
    private let state = Monitor(State())

    private struct State {
        var children: [Child] = []
        /// Numbers are never used twice, so that a name in a log means one process.
        var workers = 0
        /// Workers that were told to go.
        var leaving: Set<String> = []
        /// `cluster.json` is there for others only while the cluster is whole.
        var isPublished = false
        var isClosed = false
    }

    /// Events that nobody has read yet. The oldest give way: the newest say what is the case.
    static let eventLimit = 1_024

    init(_ configuration: ClusterConfiguration) {
        self.configuration = configuration
        layout = Layout(folder: configuration.folder)
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.eventLimit))
    }

    var children: [Child] { state.withLock { $0.children } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func child(_ name: String) throws(ClusterError) -> Child {
        guard let child = children.first(where: { $0.name == name }) else {
            throw ClusterError(
                .notRunning,
                "The cluster has no process “\(name)”: it has \(children.map(\.name).joined(separator: ", "))."
            )
        }
        return child
    }

    /// Adds a child and begins to keep it running.
    @discardableResult
    func add(_ name: String, _ command: Command, stopSignal: Int32 = SIGTERM) throws(ClusterError) -> Child {
        let child = Child(name: name, command: command, stopSignal: stopSignal) { [self] in report($0) }
        try state.withLock { state throws(ClusterError) in
            guard !state.isClosed else { throw ClusterError(.notRunning, "The cluster is stopping.") }
            state.children.append(child)
        }
        child.keep()
        return child
    }

    /// Adds the next worker.
    func addWorker() throws(ClusterError) -> Child {
        let limit = ClusterConfiguration.processLimit
        guard children.filter({ $0.name.hasPrefix("worker") }).count < limit else {
            throw ClusterError(.configuration, "A cluster has at most \(limit) workers.")
        }
        let number = state.withLock { state in
            state.workers += 1
            return state.workers
        }
        let name = layout.workerName(number)
        return try add(name, configuration.workerCommand(name))
    }

    /// The workers that are to stay, oldest first.
    var workers: [Child] {
        state.withLock { state in
            state.children.filter { $0.name.hasPrefix("worker") && !state.leaving.contains($0.name) }
        }
    }

    /// A worker hands its partitions over for so long at most, and is killed then.
    private static let drainLimit = Duration.seconds(40)

    /// Has a worker hand its partitions over and end, without waiting for it.
    func retire(_ worker: Child) {
        state.withLock { _ = $0.leaving.insert(worker.name) }
        worker.stop()
        Blocking.thread { [self] in
            worker.join(until: .now + Self.drainLimit)
            state.withLock { state in
                state.leaving.remove(worker.name)
                state.children.removeAll { $0 === worker }
            }
            // The next change will try again.
            try? writeFile()
        }
    }

    /// Ends a child that never came up and forgets it.
    func remove(_ child: Child) {
        child.stop()
        child.join(until: .now)
        state.withLock { state in state.children.removeAll { $0 === child } }
    }

    /// Stops all children of a kind together: asks, waits, and kills what is left after `grace`.
    func stop(_ kind: String, grace: Duration) {
        let some = children.filter { $0.name.hasPrefix(kind) }
        some.forEach { $0.stop() }
        let end = ContinuousClock.now + grace
        some.forEach { $0.join(until: end) }
    }

    /// From now on `cluster.json` follows every change.
    func publish() throws(ClusterError) {
        state.withLock { $0.isPublished = true }
        try writeFile()
    }

    /// No more children, no more file.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.isPublished = false
            unlink(layout.file)
        }
    }

    func finishEvents() { continuation.finish() }

    private func report(_ event: ClusterEvent) {
        continuation.yield(event)
        // The next change will try again; a full disk must not stop the supervisor.
        try? writeFile()
    }

    private func writeFile() throws(ClusterError) {
        try state.withLock { state throws(ClusterError) in
            guard state.isPublished else { return }
            let pids = state.children.compactMap { child in child.pid.map { (child.name, $0) } }
            try ClusterFile(
                supervisor: getpid(), brokers: configuration.brokers,
                ledgerDSN: layout.dsn(application: "stampede"), redisAddresses: configuration.redisAddresses,
                eventsAddress: configuration.eventsAddress, payments: configuration.payments,
                pids: Dictionary(uniqueKeysWithValues: pids)
            ).write(to: layout.file)
        }
    }
}
