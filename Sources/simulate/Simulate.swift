public import ArgumentParser
import Foundation
public import PlantedBugs
import Simulation

/// Runs whole clusters on a virtual clock, from seeds, and holds them against the promises.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run whole clusters on a virtual clock and hold them against the promises P1-P8.",
        discussion: """
            Each seed draws a cluster, its load and what goes wrong, and is one run: the same seed gives the same \
            run, event by event. A seed that fails is shrunk and kept as a file, which --scenario runs again.

            Exit codes: 0 all seeds kept every promise; 1 one did not; 3 the runs prove too little (something that \
            must sometimes happen happened too seldom); 64 the command line is wrong.
            """,
        subcommands: [Seeds.self, One.self, Replay.self, Planted.self], defaultSubcommand: Seeds.self)

    static func main() {
        // The order of sets and dictionaries is part of a run.
        let name = "SWIFT_DETERMINISTIC_HASHING"
        if ProcessInfo.processInfo.environment[name] == nil {
            setenv(name, "1", 1)
            var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
            execv("/proc/self/exe", &arguments)
        }
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(withError: error)
        }
    }
}

/// The bug to plant, for builds that have them.
struct PlantOption: ParsableArguments {
    @Option(name: .long, help: "Plant this bug first; needs a build with --traits PlantedBugs.")
    var plant: PlantedBug?

    func apply() throws {
        guard let plant else { return }
        #if PlantedBugs
            plantedBug = plant
        #else
            throw ValidationError(
                "\(plant.rawValue) is not in this build: build it with --traits PlantedBugs.")
        #endif
    }
}

extension PlantedBug: ExpressibleByArgument {}
