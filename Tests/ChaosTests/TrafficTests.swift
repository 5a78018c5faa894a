import Sales
import Testing

@testable import Chaos

@Suite struct TrafficTests {
    private let plan = Plan(name: "x")

    private func arrivals(_ count: Int, seed: UInt64) -> [Traffic.Arrival] {
        var traffic = Traffic(plan, shop: Storefront(plan, seed: seed), seed: seed)
        return (0..<count).map { _ in traffic.next() }
    }

    @Test func `the same seed makes the same load`() {
        let (load, again) = (arrivals(5_000, seed: 7), arrivals(5_000, seed: 7))
        #expect(load.map(\.request) == again.map(\.request))
        #expect(load.map(\.time) == again.map(\.time))
        #expect(load.map(\.request) != arrivals(5_000, seed: 8).map(\.request))
    }

    @Test func `requests arrive at the rate of the plan and never earlier than those before`() {
        let load = arrivals(20_000, seed: 3)
        let seconds = Double(load.last?.time ?? 0) / 1_000_000
        #expect(abs(20_000 / seconds / Double(plan.rate) - 1) < 0.05)
        #expect(zip(load, load.dropFirst()).allSatisfy { $0.time <= $1.time })
    }

    @Test func `every kind of request comes, repeats of earlier ones among them`() {
        var kinds: [String: Int] = [:]
        var placed: Set<Traffic.Request> = []
        var isTrueRepeat = false
        for arrival in arrivals(20_000, seed: 5) {
            switch arrival.request {
            case .place(let order, let isRepeat):
                kinds[isRepeat ? "repeat" : "place", default: 0] += 1
                if isRepeat, placed.contains(.place(order, isRepeat: false)) { isTrueRepeat = true }
                placed.insert(.place(order, isRepeat: false))
            case .placeMany: kinds["many", default: 0] += 1
            case .settle: kinds["settle", default: 0] += 1
            case .change: kinds["change", default: 0] += 1
            case .look: kinds["look", default: 0] += 1
            }
        }
        #expect(isTrueRepeat)
        #expect(Set(kinds.keys) == ["place", "repeat", "many", "settle", "change", "look"])
        #expect((kinds["place"] ?? 0) > 10_000)
    }

    @Test func `sales have partitions of their own, and the hot one is soon sold out`() {
        let shop = Storefront(plan, seed: 1)
        #expect(Set(shop.all.map(\.sale)).count == shop.all.count)
        let demand = arrivals(plan.rate, seed: 1).count { arrival in
            if case .place(let order, _) = arrival.request { order.sale == shop.hot.sale } else { false }
        }
        #expect(demand > Int(shop.hot.units))
    }
}
