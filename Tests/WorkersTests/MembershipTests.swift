import Methods
import Sales
import Testing
import Wire

@testable import Workers

@Suite struct MembershipTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private let partitions = (0..<1_024).map { Partition(rawValue: Int16($0)) }

    private func names(_ count: Int) -> [String] { (1...count).map { "worker-\($0)" } }

    private func membership(_ names: [String], as name: String = "worker-1") -> Membership {
        var membership = Membership(name: name, partitions: partitions.count)
        membership.heard(BrokerBeat(live: names, unowned: []), from: 1, start)
        return membership
    }

    // MARK: Ranks

    @Test func `every partition ranks all live workers once`() {
        let names = names(5)
        let membership = membership(names)
        for partition in partitions {
            let ranks = names.compactMap { membership.rank(of: $0, for: partition) }
            #expect(ranks.sorted() == [0, 1, 2, 3, 4])
        }
    }

    @Test func `the target comes first, then the others by their weights`() {
        let names = names(5)
        let membership = membership(names)
        for partition in partitions {
            let target = membership.targets.target(of: partition)
            let others = names.filter { $0 != target }
                .sorted {
                    Membership.weight(of: $0, for: partition) > Membership.weight(of: $1, for: partition)
                }
            let ranked = [target ?? ""] + others
            #expect(ranked.map { membership.rank(of: $0, for: partition) } == [0, 1, 2, 3, 4])
        }
    }

    @Test func `the second in rank differs from partition to partition`() {
        let names = names(4)
        let membership = membership(names)
        var seconds: [String: Int] = [:]
        for partition in partitions where membership.rank(of: names[0], for: partition) == 0 {
            for name in names where membership.rank(of: name, for: partition) == 1 {
                seconds[name, default: 0] += 1
            }
        }
        #expect(seconds.count == 3)
        #expect((seconds.values.min() ?? 0) > 40)
    }

    @Test func `who is not live has no rank`() {
        let membership = membership(["worker-1", "worker-2"])
        #expect(membership.rank(of: "worker-3", for: partitions[0]) == nil)
    }

    @Test func `all workers agree on the ranks`() {
        let one = membership(names(3), as: "worker-1")
        let two = membership(names(3).reversed(), as: "worker-2")
        for partition in partitions {
            #expect(
                one.rank(of: "worker-3", for: partition) == two.rank(of: "worker-3", for: partition))
        }
    }

    // MARK: Views

    @Test func `nothing is known until a broker that is old enough has spoken`() {
        var membership = Membership(name: "worker-1", partitions: partitions.count)
        #expect(!membership.isKnown)
        membership.heard(BrokerBeat(live: nil, unowned: nil), from: 1, start)
        #expect(!membership.isKnown)
        #expect(membership.rank(for: partitions[0]) == nil)
        #expect(membership.free.isEmpty)
        membership.heard(BrokerBeat(live: [], unowned: []), from: 1, start)
        #expect(membership.isKnown)
        #expect(membership.rank(for: partitions[0]) == 0)
    }

    @Test func `who is not live itself comes after all others and is no target`() {
        let membership = membership(["worker-2", "worker-3"])
        #expect(membership.rank(for: partitions[0]) == 2)
        #expect(!partitions.contains { membership.isOurs($0) })
    }

    @Test func `the age of a view counts from the last change`() {
        var membership = membership(["worker-1", "worker-2"])
        let later = start + .seconds(1)
        membership.heard(BrokerBeat(live: ["worker-2", "worker-1"], unowned: []), from: 1, later)
        #expect(membership.age(later) == .seconds(1), "the same workers in another order")
        membership.heard(BrokerBeat(live: ["worker-1"], unowned: []), from: 1, later)
        #expect(membership.age(later) == .zero)
    }

    @Test func `live is whom any broker sees`() {
        var membership = membership(["worker-1", "worker-2"])
        membership.heard(BrokerBeat(live: ["worker-3"], unowned: []), from: 2, start)
        #expect(membership.live == ["worker-1", "worker-2", "worker-3"])
        membership.lost(2, start)
        #expect(membership.live == ["worker-1", "worker-2"])
    }

    @Test func `a broker too young to say takes nothing away`() {
        var membership = membership(["worker-1", "worker-2"])
        membership.heard(BrokerBeat(live: nil, unowned: nil), from: 2, start)
        #expect(membership.live == ["worker-1", "worker-2"])
    }

    @Test func `without a broker the live stay live, but nothing is free`() {
        var membership = membership(["worker-1", "worker-2"])
        membership.heard(
            BrokerBeat(live: ["worker-1", "worker-2"], unowned: [partitions[7]]), from: 1, start)
        membership.lost(1, start + .seconds(1))
        #expect(membership.live == ["worker-1", "worker-2"])
        #expect(membership.free.isEmpty, "who took it meanwhile nobody would tell")
    }

    @Test func `a partition is free since the first that any broker said so`() {
        var membership = Membership(name: "worker-1", partitions: partitions.count)
        let (later, last) = (start + .seconds(1), start + .seconds(2))
        membership.heard(BrokerBeat(live: [], unowned: [partitions[3]]), from: 1, start)
        membership.heard(BrokerBeat(live: [], unowned: [partitions[3], partitions[4]]), from: 2, later)
        #expect(membership.free.mapValues(\.since) == [partitions[3]: start, partitions[4]: later])
        #expect(membership.free.mapValues(\.isAgreed) == [partitions[3]: true, partitions[4]: false])
        membership.heard(BrokerBeat(live: [], unowned: []), from: 1, last)
        #expect(membership.free[partitions[3]]?.since == start, "the other broker still sees it free")
        membership.heard(BrokerBeat(live: [], unowned: [partitions[4]]), from: 2, last)
        #expect(membership.free.mapValues(\.since) == [partitions[4]: later])
        membership.heard(BrokerBeat(live: [], unowned: [partitions[3]]), from: 1, last)
        #expect(membership.free[partitions[3]]?.since == last, "free anew is free since now")
    }

    @Test func `a hand-over frees a partition at once`() {
        var membership = membership(["worker-1"])
        membership.release(partitions[9])
        #expect(membership.free[partitions[9]] == .init(since: .distantPast, isAgreed: true))
    }

    // MARK: The dead

    private let token = HolderToken(rawValue: 0x1234_5678_9abc_def0_1234_5678_9abc_def0)

    private func beat(_ unowned: [Int], dead: [Int] = []) -> BrokerBeat {
        BrokerBeat(
            live: ["worker-1"], unowned: unowned.map { partitions[$0] },
            dead: dead.map { DeadHolder(partition: partitions[$0], token: token) })
    }

    @Test func `an owner is dead when one broker saw its end and no other sees it own`() {
        var membership = Membership(name: "worker-1", partitions: partitions.count)
        membership.heard(beat([3, 4], dead: [3]), from: 1, start)
        #expect(membership.free[partitions[3]]?.dead == token)
        #expect(membership.free[partitions[4]]?.dead == nil)
        membership.heard(beat([4]), from: 2, start)
        #expect(membership.free[partitions[3]] == .init(since: start, isAgreed: false))
        membership.heard(beat([3, 4]), from: 2, start)
        #expect(membership.free[partitions[3]]?.dead == token)
        membership.heard(beat([3, 4]), from: 1, start)
        #expect(membership.free[partitions[3]]?.dead == nil, "its lease has run out")
    }

    @Test func `a broker that is too young to see anybody has no say`() {
        var membership = Membership(name: "worker-1", partitions: partitions.count)
        membership.heard(beat([3], dead: [3]), from: 1, start)
        membership.heard(BrokerBeat(live: nil, unowned: nil), from: 2, start)
        #expect(membership.free[partitions[3]]?.dead == token)
        #expect(!membership.sees(ownerOf: partitions[3], 1))
        #expect(membership.sees(ownerOf: partitions[4], 1))
        #expect(!membership.sees(ownerOf: partitions[4], 2))
        #expect(!membership.sees(ownerOf: partitions[4], 7))
    }
}
