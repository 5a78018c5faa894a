import ArgumentParser
import Foundation
import Simulation
import Wire

struct Seeds: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run many seeds (the default).")

    @Option(name: .long, help: "How many seeds.")
    var seeds = 2_000
    @Option(name: .long, help: "The first seed.")
    var first: UInt64 = 1
    @Option(name: .long, help: "Runs at a time; as many as there are cores unless given.")
    var threads = ProcessInfo.processInfo.activeProcessorCount
    @Option(name: .long, help: "Where failing scenarios are written, shrunk.")
    var failures = "."
    @Option(
        name: .long, help: "How often each event of the list must have happened; 100 for 1,000 seeds or more."
    )
    var sometimes: Int?
    @Flag(name: .long, help: "Go on after a failing seed.")
    var keepGoing = false
    @Flag(name: .long, help: "Do not shrink a failing seed.")
    var noShrink = false
    @OptionGroup var planting: PlantOption

    func validate() throws {
        guard seeds > 0 else { throw ValidationError("--seeds is above zero.") }
        guard threads > 0 else { throw ValidationError("--threads is above zero.") }
    }

    func run() throws {
        try planting.apply()
        let campaign = Campaign(first: first, count: seeds, threads: threads, keepGoing: keepGoing)
        let report = campaign.run { done, total in
            if isatty(STDERR_FILENO) == 1 {
                FileHandle.standardError.write(Data("\r\(done) of \(total) seeds ".utf8))
            }
        }
        if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
        print(report.text)
        for failure in report.failures.prefix(keepGoing ? 20 : 1) { try tell(failure) }
        if !report.failures.isEmpty { throw ExitCode(1) }
        let needed = sometimes ?? (seeds >= 1_000 ? 100 : 0)
        let seldom = report.seldom(below: needed)
        guard seldom.isEmpty else {
            print("These runs prove too little: " + seldom.joined(separator: "; ") + ". Run more seeds.")
            throw ExitCode(3)
        }
    }

    private func tell(_ failure: Campaign.Failure) throws {
        print("\nSeed \(failure.seed) FAILED: `simulate one \(failure.seed)` runs it alone.")
        for violation in failure.violations { print("  \(violation)") }
        guard !noShrink else { return }
        let small = Simulation.shrink(Scenario(seed: failure.seed))
        let path = "\(failures)/seed-\(failure.seed).json"
        try small.write(to: path)
        print(
            "Shrunk to \(small.faults.count) faults and \(small.jobs.count) requests: `simulate replay \(path)`"
        )
        for violation in Simulation.run(small).violations { print("  \(violation)") }
        for fault in small.faults { print("  \(fault.at) ms: \(fault.fault)") }
        for job in small.jobs.prefix(12) { print("  \(job.at) ms: \(job.wish)") }
    }
}

extension Scenario {
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }

    static func read(from path: String) throws -> Scenario {
        try JSONDecoder().decode(Scenario.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}

struct One: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run one seed, twice, and tell all about it.")

    @Argument(help: "The seed.")
    var seed: UInt64
    @Flag(name: .long, help: "Tell everything that happens, with its time in milliseconds.")
    var journal = false
    @OptionGroup var planting: PlantOption

    func run() throws {
        try planting.apply()
        try Replay.tell(Scenario(seed: seed), journal: journal)
    }
}

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a scenario from a file, twice, and tell all about it.")

    @Argument(help: "The file.")
    var file: String
    @Flag(name: .long, help: "Tell everything that happens, with its time in milliseconds.")
    var journal = false
    @OptionGroup var planting: PlantOption

    func run() throws {
        try planting.apply()
        let scenario: Scenario
        do { scenario = try Scenario.read(from: file) } catch {
            throw ValidationError("\(file) is no scenario: \(error)")
        }
        try Replay.tell(scenario, journal: journal)
    }

    static func tell(_ scenario: Scenario, journal: Bool) throws {
        print(
            "\(scenario.workers) workers, \(scenario.brokers) brokers, \(scenario.clients) clients, \(scenario.nodes) Redis nodes, "
                + "\(scenario.partitions) partitions, lease \(scenario.leaseTTL) ms, \(scenario.jobs.count) requests"
        )
        for fault in scenario.faults { print("  \(fault.at) ms: \(fault.fault)") }
        let outcome = Simulation.run(scenario, journal: journal ? { print($0) } : nil)
        let again = Simulation.run(scenario)
        for violation in outcome.violations { print("VIOLATED \(violation)") }
        for (event, count) in zip(Sometimes.allCases, outcome.counts) where count > 0 {
            print("\(count) x \(event.rawValue)")
        }
        let hash = String(outcome.hash, radix: 16)
        print(
            "\(outcome.violations.isEmpty ? "PASSED" : "FAILED") seed=\(scenario.seed) events=\(outcome.steps) "
                + "faults=\(outcome.faults) simulated=\(outcome.simulated.milliseconds)ms trace-hash=\(hash)")
        guard again.hash == outcome.hash else {
            print(
                "The second run has another hash, \(String(again.hash, radix: 16)): something is not seeded.")
            throw ExitCode(1)
        }
        if !outcome.violations.isEmpty { throw ExitCode(1) }
    }
}
