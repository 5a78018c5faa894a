import Foundation
import Testing

/// Whole clusters of cores on a virtual clock. `STAMPEDE_SEED=n` runs that seed alone; `STAMPEDE_SEEDS=n` runs
/// so many.
@Suite struct SimulationTests {
    private static let parts = 4

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap(UInt64.init)
    }

    @Test(arguments: 0..<parts) func `no mischief breaks a promise`(part: Int) {
        if let seed = Self.number("STAMPEDE_SEED") {
            if part == 0 { expectPromises(of: seed) }
            return
        }
        let seeds = Self.number("STAMPEDE_SEEDS") ?? 1_000
        for seed in stride(from: UInt64(part), to: seeds, by: Self.parts) {
            guard expectPromises(of: seed) else { return }
        }
    }

    @discardableResult private func expectPromises(of seed: UInt64) -> Bool {
        let world = World(seed: seed)
        world.run()
        #expect(
            world.violations.isEmpty,
            "seed \(seed) (STAMPEDE_SEED=\(seed) runs it alone): \(world.violations.joined(separator: "\n"))")
        return world.violations.isEmpty
    }

    @Test(arguments: [1, 42, 4_711]) func `one seed is one run`(seed: UInt64) {
        let runs = (0..<2).map { _ in
            let world = World(seed: seed)
            world.run()
            return (world.trace, world.steps)
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0].1 > 200)
    }
}
