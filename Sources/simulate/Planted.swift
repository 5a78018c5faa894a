import ArgumentParser
import Foundation
import PlantedBugs
import Simulation

struct Planted: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plant each known bug in turn and see how soon the simulation finds it.",
        discussion:
            "Needs a build with --traits PlantedBugs. Every bug is looked for from several first seeds.")

    @Option(name: .long, help: "Seeds that a bug may take at most, each time.")
    var seeds = 10_000
    @Option(name: .long, help: "How often each bug is looked for, each time from other seeds.")
    var times = 5
    @Argument(help: "The bugs; all unless named.")
    var bugs: [PlantedBug] = PlantedBug.allCases

    func validate() throws {
        guard canPlantBugs else {
            throw ValidationError("This build has no bugs: build it with --traits PlantedBugs.")
        }
    }

    func run() throws {
        var missed: [String] = []
        print("bug".padded(28) + "found".padded(8) + "median s".padded(10) + "median seeds".padded(14) + "by")
        for bug in bugs {
            let hunts = (0..<times).map { hunt(bug, UInt64($0) * 1_000_000 + 1) }
            let found = hunts.compactMap { $0 }
            if found.count < times { missed.append(bug.rawValue) }
            let seconds = median(found.map(\.seconds)).map { String(format: "%.2f", $0) } ?? "-"
            let seeds = median(found.compactMap { $0.seeds.map(Double.init) }).map { "\(Int($0))" } ?? "-"
            let by = Set(found.map(\.by)).sorted().joined(separator: " ")
            defer { fflush(nil) }
            print(
                bug.rawValue.padded(28) + "\(found.count)/\(times)".padded(8) + seconds.padded(10)
                    + seeds.padded(14) + by)
        }
        guard missed.isEmpty else {
            print("\nNot always found by simulation: \(missed.joined(separator: ", ")).")
            throw ExitCode(1)
        }
    }

    private struct Find {
        let seconds: Double
        let seeds: Int?
        let by: String
    }

    /// In a process of its own: some bugs end it.
    private func hunt(_ bug: PlantedBug, _ first: UInt64) -> Find? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "seeds", "--plant", bug.rawValue, "--first", "\(first)", "--seeds", "\(seeds)", "--threads", "1",
            "--no-shrink", "--sometimes", "0",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        let start = Date()
        guard (try? process.run()) != nil else { return nil }
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let seconds = Date().timeIntervalSince(start)
        // Some bugs break what the book or the model insists on. That is found, too, but says nothing of seeds.
        if process.terminationReason == .uncaughtSignal {
            // Swift traps with SIGILL or SIGTRAP. Anything else was somebody else's doing.
            guard [SIGILL, SIGTRAP].contains(process.terminationStatus) else { return nil }
            return Find(seconds: seconds, seeds: nil, by: "trap")
        }
        guard process.terminationStatus == 1 else { return nil }
        let runs = output.split(separator: " ").first.flatMap { Int($0) } ?? 0
        let line = output.split(separator: "\n").first { $0.hasPrefix("  ") && $0.contains(" ms: ") }
        let by = line?.split(separator: " ").first.map(String.init) ?? "?"
        return Find(seconds: seconds, seeds: runs, by: by)
    }

    private func median(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { padding(toLength: width, withPad: " ", startingAt: 0) }
}
