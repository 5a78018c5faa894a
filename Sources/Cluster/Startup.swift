import Glibc

/// The steps from an empty folder to a running cluster, on the calling thread.
struct Startup {
    let roster: Roster
    let programs: Programs
    let cancellation: Blocking.Cancellation

    func run() throws(ClusterError) {
        let (configuration, layout) = (roster.configuration, roster.layout)
        try DataFolder(layout: layout)
            .makeContents(
                redisCount: configuration.redisCount, hasRelay: configuration.hasRelay,
                postgresUser: programs.postgresUser)
        for index in 1...configuration.redisCount {
            try roster.add(
                layout.redisName(index), configuration.redisCommand(index, program: programs.redisServer))
        }
        if configuration.hasRelay {
            try roster.add(Layout.events, configuration.eventsCommand(program: programs.redisServer))
        }
        let postgres = Postgres(layout: layout, programs: programs)
        postgres.retireOrphan()
        try postgres.makeData(unless: cancellation)
        let server = try roster.add("postgres", postgres.command, stopSignal: SIGINT)
        for index in 1...configuration.redisCount {
            try roster.child(layout.redisName(index)).awaitReady(unless: cancellation) {
                UnixSocket.answersPing(layout.redisSocket(index))
            }
        }
        try server.awaitReady(unless: cancellation) {
            UnixSocket.letsIn(layout.postgresSocket, user: "stampede", database: "stampede")
        }
        try migrate()
        try makeReceiptKey()
        try startBrokers()
        for worker in try (1...configuration.workerCount).map({ _ throws(ClusterError) in
            try roster.addWorker()
        }) {
            try worker.awaitSettled(unless: cancellation)
        }
        if configuration.hasRelay {
            // It waits for what it needs, and nothing waits for it.
            try roster.add(Layout.relay, configuration.relayCommand()).awaitSettled(unless: cancellation)
        }
        try startPayments()
        try roster.publish()
    }

    private func migrate() throws(ClusterError) {
        let command = roster.configuration.migrateCommand()
        let status = command.run(atMost: .seconds(120), unless: cancellation)
        if status != .code(0) { throw .failed("migrate", status, log: command.log) }
    }

    /// A key that is there has signed what the folder's ledger holds.
    private func makeReceiptKey() throws(ClusterError) {
        guard roster.configuration.signsReceipts, access(roster.layout.receiptKey, F_OK) != 0 else { return }
        let command = roster.configuration.receiptKeyCommand()
        let status = command.run(atMost: .seconds(30), unless: cancellation)
        if status != .code(0) { throw .failed("keygen", status, log: command.log) }
    }

    private func startBrokers() throws(ClusterError) {
        for broker in roster.configuration.brokers {
            try roster.add(broker.name, roster.configuration.brokerCommand(broker))
        }
        for index in 1...roster.configuration.brokerCount {
            let sockets = [roster.layout.clientsSocket(index), roster.layout.workersSocket(index)]
            try roster.child(roster.layout.brokerName(index)).awaitReady(unless: cancellation) {
                sockets.allSatisfy(UnixSocket.accepts)
            }
        }
    }
}

extension Child {
    /// How long a process may take to serve. Postgres may have a crash to recover from.
    private static let readyLimit = Duration.seconds(120)
    /// A process that died this often while it came up will not come up.
    private static let deathLimit = 3

    /// A process that refuses its command line or its servers has done so after this time.
    private static let settlingTime = Duration.milliseconds(250)

    /// Waits until the process has run for a moment: a worker listens nowhere, so nothing can be asked.
    func awaitSettled(unless cancellation: Blocking.Cancellation) throws(ClusterError) {
        try awaitReady(unless: cancellation) { age >= Self.settlingTime }
    }

    /// Waits until the process runs and `probe` holds.
    func awaitReady(unless cancellation: Blocking.Cancellation, _ probe: () -> Bool) throws(ClusterError) {
        let end = ContinuousClock.now + Self.readyLimit
        while pid == nil || !probe() {
            if cancellation.isCancelled {
                throw ClusterError(.startFailed, "The start was given up while \(name) came up.")
            }
            let (deaths, last) = deaths
            if deaths >= Self.deathLimit { throw .failed(name, last, log: command.log) }
            guard .now < end else {
                throw ClusterError(
                    .startFailed, "\(name) does not answer after \(Self.readyLimit): see \(command.log).")
            }
            usleep(10_000)
        }
    }
}
