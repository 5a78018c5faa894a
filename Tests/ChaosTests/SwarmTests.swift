import Testing

@testable import Chaos

@Suite struct SwarmTests {
    @Test func `the same seed draws the same faults, another seed others`() {
        #expect(Swarm.plan(seed: 7) == Swarm.plan(seed: 7))
        #expect(Swarm.plan(seed: 7) != Swarm.plan(seed: 8))
    }

    @Test func `a thousand seeds draw every nemesis that may meet others`() {
        let plans = (1...1_000).map { Swarm.plan(seed: $0) }
        let alone: Set<Nemesis> = [.pauseInCommit, .disk, .join, .rollingRestart]
        #expect(Set(plans.flatMap(\.faults).map(\.nemesis)) == Set(Nemesis.allCases).subtracting(alone))
        #expect(plans.allSatisfy { (3...8).contains($0.faults.count) })
        #expect(
            plans.allSatisfy { plan in zip(plan.faults, plan.faults.dropFirst()).allSatisfy { $0.at <= $1.at }
            })
    }

    @Test func `half of the kinds are missing from a plan`() {
        let plans = (1...200).map { Swarm.plan(seed: $0) }
        let withKill = plans.count { $0.faults.contains { $0.nemesis == .kill } }
        #expect(withKill > 50 && withKill < 195)
    }
}
