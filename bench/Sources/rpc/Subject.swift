/// One side of a comparison: a client's program, and the process in the middle that it talks to.
struct Subject {
    /// What people read, and the key in the results.
    let name: String
    let program: String
    let arguments: (_ window: Int, _ warmUp: Int, _ measured: Int) -> [String]
    /// The process whose CPU time per call is recorded beside the rate.
    let middle: Peer?
    /// All processes that take part, but for the client.
    let peers: [Peer]
}

extension Subject {
    func named(_ name: String) -> Subject {
        Subject(name: name, program: program, arguments: arguments, middle: middle, peers: peers)
    }

    /// CPU time of the peers so far, in nanoseconds.
    fileprivate var peersTime: UInt64 { peers.reduce(0) { $0 + $1.cpuTime } }
}

/// One measurement of a subject.
struct Measurement: Codable {
    let subject: String
    let window: Int
    let round: Int
    let callsPerSecond: Double
    let p50: Double
    let p99: Double
    /// CPU microseconds per call of the process in the middle; nil where there is none.
    let middleCPU: Double?
    /// Percent of the machine's CPU time that others took away, and that nobody used.
    let steal: Double
    let idle: Double
    /// Percent that went to processes that have nothing to do with it.
    let others: Double
    let load: Double

    /// Little enough of the machine was used by others for the measurement to say something.
    var isQuiet: Bool { others + steal <= 10 }

    enum CodingKeys: String, CodingKey {
        case subject, window, round, steal, idle, others, load
        case callsPerSecond = "calls_per_s"
        case p50 = "p50_us"
        case p99 = "p99_us"
        case middleCPU = "middle_cpu_us_per_call"
    }
}

/// Everything that was measured, in order.
struct Record {
    private(set) var measurements: [Measurement] = []
    let options: Options

    init(_ options: Options) { self.options = options }

    /// Measures the subjects one right after the other. Every other round goes backwards, so that neither side
    /// always has the first place.
    mutating func measure(_ subjects: [Subject], window: Int, round: Int) throws {
        for subject in round.isMultiple(of: 2) ? subjects : subjects.reversed() {
            measurements.append(try measure(subject, window: window, round: round))
        }
    }

    func measure(_ subject: Subject, window: Int, round: Int) throws -> Measurement {
        let (cpu, peers) = (subject.middle?.cpuTime, subject.peersTime)
        let machine = Machine.now()
        let summary = try Peer.summary(
            of: subject.program, subject.arguments(window, options.warmUp, options.measured))
        let after = Machine.now()
        let peersTime = subject.peersTime - peers
        guard summary.failed == 0, summary.calls > 0 else {
            throw Failure("\(subject.name): \(summary.failed) of \(summary.calls) calls failed")
        }
        var middleCPU: Double?
        if let cpu, let middle = subject.middle {
            // The process also worked during the warm-up, whose calls are not in the summary.
            let share = Double(options.measured) / Double(options.measured + options.warmUp)
            middleCPU = Double(middle.cpuTime - cpu) / 1_000 * share / Double(summary.calls)
        }
        return Measurement(
            subject: subject.name, window: window, round: round, callsPerSecond: summary.callsPerSecond,
            p50: summary.p50, p99: summary.p99, middleCPU: middleCPU,
            steal: after.steal(since: machine),
            idle: after.idle(since: machine), others: after.others(since: machine, peers: peersTime),
            load: Machine.load)
    }

    func of(_ subject: String, window: Int) -> [Measurement] {
        measurements.filter { $0.subject == subject && $0.window == window }
    }
}
