import Methods
import Sales
import Testing

@testable import stampede

/// What all brokers together say of the workers.
@Suite struct CrewTests {
    private func status(
        _ workers: [(name: String, state: String)], owners: [String?], fence: Int64 = 1, canOwn: Bool = true
    ) -> BrokerStatus {
        BrokerStatus(
            name: "broker", uptimeMilliseconds: 0, clients: 0, inFlight: 0, parked: 0, calls: 0, malformed: 0,
            gateRefusals: 0, rate: 0,
            workers: workers.map {
                .init(
                    name: $0.name, inFlight: 0, calls: 5, rate: 0, leaseLeftMilliseconds: 900,
                    state: $0.state, canOwn: canOwn)
            },
            partitions: owners.enumerated().map { index, owner in
                .init(
                    partition: Partition(rawValue: Int16(index)), owner: owner,
                    fence: Fence(rawValue: fence), parked: 0)
            }, gates: [])
    }

    private let both = [(name: "worker-2", state: "fit"), (name: "worker-1", state: "fit")]

    @Test func `a crew is balanced when every broker sees every worker own its share`() {
        let even = status(both, owners: ["worker-1", "worker-2", "worker-2", "worker-1"])
        let crew = Crew([even, even])
        #expect(crew.members.map(\.owned) == [2, 2])
        #expect(crew.members.map(\.target) == [2, 2])
        #expect(crew.members.map(\.calls) == [10, 10])
        #expect(crew.isBalanced(among: ["worker-1", "worker-2"]))
        #expect(!crew.isBalanced(among: ["worker-1"]), "there is one too many")
        #expect(!crew.isBalanced(among: ["worker-1", "worker-2", "worker-3"]))
        let blind = status(Array(both.prefix(1)), owners: [nil, "worker-2", "worker-2", nil])
        #expect(!Crew([even, blind]).isBalanced(among: ["worker-1", "worker-2"]), "one broker misses one")
    }

    @Test func `who drains has no target, and shares wait for owners`() {
        let draining = [(name: "worker-1", state: "draining"), (name: "worker-2", state: "fit")]
        let crew = Crew([status(draining, owners: ["worker-1", "worker-2", nil])])
        #expect(crew.members.map(\.target) == [0, 3])
        #expect(crew.unowned == 1)
        #expect(!crew.isBalanced(among: ["worker-1", "worker-2"]))
        #expect(crew.summary == "worker-1 1/0 (draining), worker-2 1/3, 1 without an owner")
    }

    @Test func `the broker with the highest fence knows the owner`() {
        let old = status(both, owners: ["worker-1"], fence: 3)
        let new = status(both, owners: ["worker-2"], fence: 4)
        for statuses in [[old, new], [new, old]] { #expect(Crew(statuses).members.map(\.owned) == [0, 1]) }
    }

    @Test func `hosts of services are no crew`() {
        #expect(Crew([status(both, owners: [], canOwn: false)]).members.isEmpty)
    }
}
