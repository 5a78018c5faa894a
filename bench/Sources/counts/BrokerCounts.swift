import Foundation

/// Instructions of a real broker per call: the difference between a run with N calls and one with 2 N. Its timers
/// run by the clock and add a little that differs from run to run, below one percent.
struct BrokerCounts {
    private let stampede: String
    private let peers: String
    private let folder: String
    private let count = 10_000

    init(stampede: String, peers: String, folder: String) {
        self.stampede = stampede
        self.peers = peers
        self.folder = folder
    }

    func run() throws -> [String: Int] {
        var counts: [String: Int] = [:]
        let paths = [
            ("broker.call-one-by-one", []),
            // Several calls in a turn of the loop.
            ("broker.call", ["--window", "64"]), ("broker.keyed", ["--window", "64", "--order"]),
            ("broker.refusal", ["--window", "64", "--place"]),
        ]
        for (name, flags) in paths {
            let once = try instructions(name, count, flags), twice = try instructions(name, 2 * count, flags)
            func perCall(_ part: ([String: Int]) -> Int) -> Int {
                Int((Double(part(twice) - part(once)) / Double(count)).rounded())
            }
            counts[name] = perCall(\.own)
            counts[name + ".with-libzmq"] = perCall(\.all)
        }
        return counts
    }

    private func instructions(_ name: String, _ count: Int, _ flags: [String]) throws -> [String: Int] {
        let clients = "ipc://\(folder)/\(name).\(count).clients"
        let workers = "ipc://\(folder)/\(name).\(count).workers"
        let broker = try Callgrind(
            stampede,
            [
                "broker", "--name", "counted", "--clients", clients, "--workers", workers, "--log-level",
                "error",
                // Under valgrind everything takes fifty times as long.
                "--lease-ttl", "60000",
            ], file: folder + "/\(name).\(count)")
        let worker = try start(["worker", workers])
        defer {
            worker.terminate()
            worker.waitUntilExit()
        }
        // The first call waits until all are connected.
        var isServed = false
        while !isServed, broker.isRunning {
            isServed = try finish(start(["client", clients, "--calls", "1"] + flags))
            if !isServed { usleep(100_000) }
        }
        guard isServed, try finish(start(["client", clients, "--calls", String(count)] + flags)) else {
            throw Failure("the broker under valgrind does not answer")
        }
        broker.terminate()
        return try broker.instructions()
    }

    private func start(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: peers)
        process.arguments = arguments
        process.standardOutput = Pipe()
        try process.run()
        return process
    }

    /// True when every call was answered as it should be.
    private func finish(_ process: Process) throws -> Bool {
        process.waitUntilExit()
        guard let pipe = process.standardOutput as? Pipe, process.terminationStatus == 0 else { return false }
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return text.contains("\"failed\": 0,")
    }
}
