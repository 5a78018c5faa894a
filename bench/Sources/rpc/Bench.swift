import Foundation

/// Starts the peers, makes the comparisons, and gathers ratios.
struct Bench {
    private let options: Options
    /// Folder of the programs beside this one.
    private let programs: String
    private let meeting: Meeting
    private let ports: Meeting
    private(set) var record: Record
    private(set) var ratios: [Ratio] = []
    private(set) var costs: [AllocationCheck.Cost] = []
    private(set) var grpcSettings: String?

    init(_ options: Options) throws {
        self.options = options
        programs =
            URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().path
        meeting = try Meeting(options.transport)
        ports = try Meeting(.tcp)
        record = Record(options)
    }

    private var peers: String { programs + "/peers" }

    static func brokerArguments(_ clients: String, _ workers: String) -> [String] {
        ["broker", "--name", "bench", "--clients", clients, "--workers", workers, "--log-level", "error"]
            // Neither side of any ratio encrypts.
            + (clients.hasPrefix("tcp://") ? ["--insecure-tcp"] : [])
    }

    /// Waits until a call comes back with an answer.
    static func waitUntilServed(_ peers: String, _ endpoint: String) throws {
        for _ in 0..<200 {
            let summary = try Peer.summary(of: peers, ["client", endpoint, "--calls", "1"])
            if summary.calls == 1, summary.failed == 0 { return }
            usleep(50_000)
        }
        throw Failure("nobody answers at \(endpoint)")
    }

    mutating func run() throws {
        if options.wants("allocations") { try countAllocations() }
        let forwarding = try ForwardingPeers(options, programs, meeting)
        if options.wants("forwarding") || options.wants("end-to-end") { try compareForwarding(forwarding) }
        if options.wants("refusals") { try compareRefusals(forwarding) }
        if options.wants("grpc"), !options.grpc.isEmpty { try compareGRPC() }
    }

    // MARK: Comparisons

    private mutating func compareForwarding(_ peers: ForwardingPeers) throws {
        let subjects =
            [peers.floor, peers.broker]
            + (options.wants("end-to-end") ? [peers.endToEnd, peers.swiftClient] : [])
        let windows = [1, 64, 1_024]
        try measureRounds("forwarding and end to end") { record, round in
            for window in windows { try record.measure(subjects, window: window, round: round) }
        }
        for window in windows {
            let floor = record.of(peers.floor.name, window: window)
            ratios.append(
                Ratio(
                    "forwarding/\(window)", "our broker between C peers, calls/s, window \(window)",
                    record.of(peers.broker.name, window: window), to: floor))
            guard options.wants("end-to-end") else { continue }
            for (name, subject) in [("end-to-end", peers.endToEnd), ("client", peers.swiftClient)] {
                ratios.append(
                    Ratio(
                        "\(name)/\(window)", "\(subject.name), calls/s, window \(window)",
                        record.of(subject.name, window: window), to: floor))
            }
        }
        guard options.wants("end-to-end") else { return }
        ratios.append(
            Ratio(
                "end-to-end/1/p50", "\(peers.endToEnd.name), p50, window 1",
                record.of(peers.endToEnd.name, window: 1), to: record.of(peers.floor.name, window: 1), .p50))
    }

    private mutating func compareRefusals(_ peers: ForwardingPeers) throws {
        try measureRounds("refusals") { record, round in
            for window in [64, 1_024] {
                try record.measure([peers.echo, peers.refusals], window: window, round: round)
            }
        }
        for window in [64, 1_024] {
            ratios.append(
                Ratio(
                    "refusals/\(window)", "gate refusals to a C ROUTER echo, calls/s, window \(window)",
                    record.of(peers.refusals.name, window: window),
                    to: record.of(peers.echo.name, window: window)
                ))
        }
    }

    /// Both sides over TCP, each with the window that suits it best, and grpc-swift with its best settings.
    private mutating func compareGRPC() throws {
        let ours = try ForwardingPeers(options, programs, ports)
        let windows = [64, 256, 1_024]
        say("grpc, looking for each side's best settings")
        var best: (subject: Subject, window: Int, rate: Double, settings: String)?
        let servers = try [1, 0].map { try GRPCServer(folder: options.grpc, coalesces: $0 == 1) }
        // The first calls of a server are slow.
        for server in servers {
            _ = try record.measure(server.subject(connections: 1), window: 64, round: -1)
        }
        for server in servers {
            for connections in [1, 2] {
                for window in windows {
                    let subject = server.subject(connections: connections)
                    let rate = try record.measure(subject, window: window, round: -1).callsPerSecond
                    if rate > best?.rate ?? 0 {
                        best = (
                            subject, window, rate,
                            "window \(window), \(connections) connection(s), flush coalescing "
                                + (server.coalesces ? "on" : "off")
                        )
                    }
                }
            }
        }
        guard let best else { return }
        var ourWindow = 64
        var ourRate = 0.0
        // Under a name of its own: what was measured beside the floor has other neighbours.
        let mine = ours.endToEnd.named("\(ours.endToEnd.name), tcp, beside grpc")
        for window in windows {
            let rate = try record.measure(mine, window: window, round: -1).callsPerSecond
            if rate > ourRate { (ourWindow, ourRate) = (window, rate) }
        }
        grpcSettings = "\(best.settings); ours: window \(ourWindow)"
        try measureRounds("grpc") { record, round in
            // One side after the other, in turns: each has its own window.
            if round.isMultiple(of: 2) {
                try record.measure([best.subject], window: best.window, round: round)
            }
            try record.measure([mine], window: ourWindow, round: round)
            if !round.isMultiple(of: 2) {
                try record.measure([best.subject], window: best.window, round: round)
            }
        }
        ratios.append(
            Ratio(
                "grpc", "\(mine.name) to grpc-swift 2 unary, calls/s, best windows",
                record.of(mine.name, window: ourWindow).filter { $0.round >= 0 },
                to: record.of(best.subject.name, window: best.window).filter { $0.round >= 0 }))
    }

    /// Measures as many rounds as are wanted, and up to twice as many again while others use the machine.
    private mutating func measureRounds(
        _ title: String, _ measure: (inout Record, _ round: Int) throws -> Void
    ) throws {
        var (round, quiet) = (0, 0)
        while round < options.rounds || (quiet < options.rounds && round < 3 * options.rounds) {
            say("\(title), round \(round + 1)")
            let first = record.measurements.count
            try measure(&record, round)
            if record.measurements[first...].allSatisfy(\.isQuiet) { quiet += 1 }
            round += 1
        }
    }

    private mutating func countAllocations() throws {
        say("allocations")
        costs = try AllocationCheck(stampede: options.stampede, programs: programs, meeting: meeting).run()
        for cost in costs {
            ratios.append(
                Ratio("allocations/\(cost.path)", "allocations of ours per \(cost.path) call", [cost.own]))
        }
    }

    private func say(_ text: String) {
        FileHandle.standardError.write(Data("… \(text)\n".utf8))
    }
}
