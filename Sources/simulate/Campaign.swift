import Foundation
import Simulation
import Wire

/// Many seeds, run by several threads.
struct Campaign: Sendable {
    struct Failure: Sendable {
        let seed: UInt64
        let violations: [String]
    }

    struct Report: Sendable {
        var runs = 0
        var failures: [Failure] = []
        var counts = [Int](repeating: 0, count: Sometimes.allCases.count)
        var steps = 0
        var faults = 0
        var simulated = TimeAmount.zero
        var hash: UInt64 = 0
        /// Seeds that were run twice, to see that the hash is the same.
        var repeated = 0
        var seconds = 0.0

        func seldom(below needed: Int) -> [String] {
            zip(Sometimes.allCases, counts).filter { $0.1 < needed }
                .map { "\($0.0.rawValue) \($0.1) times of \(needed)" }
        }
    }

    let first: UInt64
    let count: Int
    let threads: Int
    let keepGoing: Bool
    /// Every so many seeds one is run twice.
    private static let repetition: UInt64 = 40

    func run(progress: @escaping @Sendable (Int, Int) -> Void) -> Report {
        let shared = Shared()
        let start = Date()
        let group = DispatchGroup()
        for _ in 0..<threads {
            let thread = Thread { [self] in
                while let seed = shared.next(first, count, keepGoing) {
                    let scenario = Scenario(seed: seed)
                    let outcome = Simulation.run(scenario)
                    let again = seed % Self.repetition == 0 ? Simulation.run(scenario) : nil
                    shared.add(seed, outcome, again, count, progress)
                }
                group.leave()
            }
            // A run that goes deep needs more than the half megabyte of a thread's default.
            thread.stackSize = 16 << 20
            group.enter()
            thread.start()
        }
        group.wait()
        var report = shared.report
        report.seconds = Date().timeIntervalSince(start)
        report.failures.sort { $0.seed < $1.seed }
        return report
    }

    /// What the threads share, behind a lock.
    private final class Shared: @unchecked Sendable {
        private let lock = NSLock()
        private var taken = 0
        private(set) var report = Report()

        func next(_ first: UInt64, _ count: Int, _ keepGoing: Bool) -> UInt64? {
            lock.withLock {
                guard taken < count, keepGoing || report.failures.isEmpty else { return nil }
                defer { taken += 1 }
                return first + UInt64(taken)
            }
        }

        func add(
            _ seed: UInt64, _ outcome: Outcome, _ again: Outcome?, _ count: Int,
            _ progress: (Int, Int) -> Void
        ) {
            lock.withLock {
                report.runs += 1
                report.steps += outcome.steps
                report.faults += outcome.faults
                report.simulated = report.simulated + outcome.simulated
                // The order in which threads finish must not matter.
                report.hash = report.hash &+ (outcome.hash &* (seed | 1))
                for index in outcome.counts.indices { report.counts[index] += outcome.counts[index] }
                var violations = outcome.violations
                if let again {
                    report.repeated += 1
                    if again.hash != outcome.hash { violations.append("two runs of the seed differ") }
                }
                if !violations.isEmpty { report.failures.append(Failure(seed: seed, violations: violations)) }
                if report.runs % 50 == 0 { progress(report.runs, count) }
            }
        }
    }
}

extension Campaign.Report {
    var text: String {
        let perMinute = seconds > 0 ? Int(Double(runs) / seconds * 60) : 0
        let hours = Double(simulated.milliseconds) / 3_600_000
        var text = String(
            format: "%d seeds in %.1f s (%d a minute): %d failed\n", runs, seconds, perMinute, failures.count)
        text += String(
            format:
                "simulated time %.1f h, %d faults injected, %d events, %d seeds run twice with one hash\n",
            hours, faults, steps, repeated)
        text += "hash of all runs " + String(hash, radix: 16) + "\n"
        let width = Sometimes.allCases.map(\.rawValue.count).max() ?? 0
        for (event, count) in zip(Sometimes.allCases, counts) {
            text +=
                "  " + event.rawValue.padding(toLength: width + 2, withPad: " ", startingAt: 0) + "\(count)\n"
        }
        return text
    }
}
