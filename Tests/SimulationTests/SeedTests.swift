import Testing
import Wire

@testable import Simulation

/// Whole clusters on a virtual clock. `make sim` runs thousands of seeds in an optimised build; here a few show that
/// the machinery itself is sound.
@Suite struct SeedTests {
    @Test func `no mischief breaks a promise`() {
        for seed in UInt64(1)...60 {
            let outcome = Simulation.run(Scenario(seed: seed))
            #expect(outcome.violations.isEmpty, "seed \(seed): \(outcome.violations.joined(separator: "\n"))")
        }
    }

    @Test(arguments: [3, 42, 4_711]) func `one seed is one run, event by event`(seed: UInt64) {
        let runs = (0..<2).map { _ in
            var lines: [String] = []
            let outcome = Simulation.run(Scenario(seed: seed)) { lines.append($0) }
            return (outcome.hash, outcome.steps, lines)
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0].1 > 500)
    }

    @Test func `other seeds are other runs`() {
        let hashes = (UInt64(1)...40).map { Simulation.run(Scenario(seed: $0)).hash }
        #expect(Set(hashes).count == hashes.count)
    }

    @Test func `time passes on the virtual clock alone`() {
        let outcome = Simulation.run(Scenario(seed: 9))
        #expect(outcome.simulated > .seconds(2))
    }
}
