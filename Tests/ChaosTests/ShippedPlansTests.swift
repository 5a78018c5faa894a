import Testing

@testable import Chaos

@Suite struct ShippedPlansTests {
    @Test func `every shipped plan has a name of its own and says what it does`() throws {
        let plans = ShippedPlans.all
        #expect(Set(plans.map(\.name)).count == plans.count)
        #expect(plans.allSatisfy { !$0.about.isEmpty && !$0.faults.isEmpty })
        for plan in plans { #expect(try ShippedPlans.plan(plan.name) == plan) }
    }

    @Test func `twenty episodes meet every nemesis, every link and every trouble of a disk`() {
        let faults = ShippedPlans.all.prefix(20).flatMap(\.faults)
        #expect(Set(faults.map(\.nemesis)) == Set(Nemesis.allCases))
        #expect(Set(faults.compactMap(\.link)) == Set(Link.allCases))
        #expect(Set(faults.filter { $0.nemesis == .disk }.map(\.disk)) == Set(DiskTrouble.allCases))
        #expect(Set(faults.filter { $0.nemesis == .clock }.map(\.clock)) == Set(ClockKind.allCases))
        #expect(Set(faults.map(\.expect)) == Set(Expectation.allCases))
    }

    @Test func `a name that is neither shipped nor a file is nothing`() throws {
        #expect(try ShippedPlans.plan("no-such-plan") == nil)
    }
}
