import Foundation

/// Counts what a broker allocates for N messages and for 2 N in the same time: the difference is what the messages
/// cost, for the heartbeats in between are the same.
struct AllocationCheck {
    /// What one message more costs in allocations.
    struct Cost: Codable {
        let path: String
        /// Made by the broker's own code or Swift's runtime.
        let own: Double
        /// Made by libzmq for itself.
        let zeromq: Double
    }

    private let broker: Peer
    private let worker: Peer
    private let peers: String
    private let endpoint: String
    private let countsFile: String
    /// N.
    private let calls = 40_000
    private let milliseconds = 3_000

    init(stampede: String, programs: String, meeting: Meeting) throws {
        peers = programs + "/peers"
        countsFile = meeting.file("allocations")
        endpoint = try meeting.endpoint()
        let workers = try meeting.endpoint()
        broker = try Peer(
            "counted broker", stampede, Bench.brokerArguments(endpoint, workers),
            environment: [
                "LD_PRELOAD": programs + "/liballocations.so", "ALLOCATION_COUNTS": countsFile,
            ])
        worker = try Peer("worker", peers, ["worker", workers])
        try Bench.waitUntilServed(peers, endpoint)
    }

    func run() throws -> [Cost] {
        try [("free", []), ("keyed", ["--order"]), ("refused", ["--place"])].map { try cost($0, $1) }
    }

    private func cost(_ path: String, _ flags: [String]) throws -> Cost {
        // Everything that grows with use has grown after this.
        _ = try count(calls, flags)
        let once = try count(calls, flags), twice = try count(2 * calls, flags)
        func perCall(_ field: Int) -> Double {
            (Double(twice[field]) - Double(once[field])) / Double(calls)
        }
        return Cost(path: path, own: max(0, perCall(0)), zeromq: max(0, perCall(2)))
    }

    /// The allocations while so many calls were made.
    private func count(_ calls: Int, _ flags: [String]) throws -> [UInt64] {
        let before = try read()
        let summary = try Peer.summary(
            of: peers,
            ["client", endpoint, "--window", "64", "--calls", String(calls), "--over", String(milliseconds)]
                + flags)
        guard summary.failed == 0 else { throw Failure("\(summary.failed) of \(calls) counted calls failed") }
        guard summary.seconds * 1_000 < Double(milliseconds) else {
            throw Failure(
                "\(calls) calls took \(summary.seconds) s: the machine is too busy to count allocations")
        }
        return zip(try read(), before).map { $0 &- $1 }
    }

    /// The words of `struct allocation_counts`.
    private func read() throws -> [UInt64] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: countsFile)))
        return stride(from: 0, to: bytes.count - 7, by: 8).map { start in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
    }
}
