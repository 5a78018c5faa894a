import Foundation
import Testing

@testable import Simulation

@Suite struct ScenarioTests {
    @Test func `a scenario survives being written and read`() throws {
        for seed in UInt64(1)...50 {
            let scenario = Scenario(seed: seed)
            let copy = try JSONDecoder().decode(Scenario.self, from: JSONEncoder().encode(scenario))
            #expect(copy == scenario)
            #expect(Simulation.run(copy).hash == Simulation.run(scenario).hash)
            if seed > 3 { break }
        }
    }

    @Test func `every kind of fault is drawn, and each is off in many runs`() {
        var runs: [String: Int] = [:]
        let count = 600
        for seed in 1...UInt64(count) {
            let kinds = Set(Scenario(seed: seed).faults.map { name($0.fault) })
            for kind in kinds { runs[kind, default: 0] += 1 }
        }
        #expect(runs.count == 33)
        for (kind, number) in runs {
            #expect(number > count / 20, "\(kind) is drawn in \(number) of \(count) runs only")
            #expect(number < count * 3 / 4, "\(kind) is drawn in \(number) of \(count) runs")
        }
    }

    private func name(_ fault: Fault) -> String {
        String("\(fault)".prefix { $0 != "(" })
    }

    @Test func `shrinking leaves what the failure needs and nothing else`() {
        // A failure that needs one kill of a worker, and one request of buyer 2.
        var tries = 0
        var shrinker = Shrinker(Scenario(seed: 1).with(faults: 24), tries: 500) { scenario in
            tries += 1
            let kills = scenario.faults.contains { if case .killWorker = $0.fault { true } else { false } }
            return kills && scenario.jobs.count >= 1
        }
        let small = shrinker.shrunk()
        #expect(small.faults.count == 1)
        #expect(small.jobs.count == 1)
        #expect(small.brokers == 1 && small.partitions == 1)
        #expect(tries <= 500)
    }
}

extension Scenario {
    fileprivate func with(faults count: Int) -> Scenario {
        var copy = self
        copy.faults += (0..<count).map { ScheduledFault(at: Int64($0), fault: .killWorker($0, down: 10)) }
        return copy
    }
}
