import Client
import Methods
import Sales
import Testing
import Wire

@testable import stampede

@Suite struct CrowdTests {
    @Test func `the same seed makes the same crowd`() {
        let crowd = Crowd(requests: 1_000, limit: 2, seed: 7)
        let again = Crowd(requests: 1_000, limit: 2, seed: 7)
        #expect(crowd.visitors.map(\.key) == again.visitors.map(\.key))
        #expect(crowd.visitors.map(\.key) != Crowd(requests: 1_000, limit: 2, seed: 8).visitors.map(\.key))
    }

    @Test func `a crowd sends what was asked for and has every habit`() {
        let crowd = Crowd(requests: 20_000, limit: 2, seed: 1)
        #expect((20_000...20_001).contains(crowd.requests))
        #expect(crowd.visitors.reduce(0) { $0 + $1.habit.requests } == crowd.requests)
        #expect(Set(crowd.visitors.map(\.buyer)).count == crowd.visitors.count)
        #expect(crowd.visitors.allSatisfy { (1...2).contains($0.quantity) })
        for habit in Crowd.Habit.allCases {
            #expect(crowd.visitors.contains { $0.habit == habit })
        }
    }

    @Test func `one key with two orders is noticed, within a task and between two`() {
        func order(_ sequence: Int64, key: UInt128 = 1) -> Order {
            Order(
                id: OrderID(partition: Partition(rawValue: 0), sequence: sequence), sale: SaleID(rawValue: 1),
                lane: .only, buyer: BuyerID(rawValue: 1), key: RequestKey(rawValue: key), quantity: 2,
                amount: 1,
                currency: "USD", placedAt: LedgerTime(rawValue: 0))
        }
        var first = Tally()
        first.yes(order(1), at: .distantPast)
        first.yes(order(1), at: .distantPast)
        #expect(Confirmed(first.yeses).broken.isEmpty)
        #expect(Confirmed(first.yeses).orders.count == 1)
        #expect(Confirmed(first.yeses).sold == 2)
        var second = Tally()
        second.yes(order(2), at: .distantPast)
        second.yes(order(3, key: 9), at: .distantPast)
        second.add(first)
        #expect(Confirmed(second.yeses).broken.first == RequestKey(rawValue: 1))
        first.yes(order(4), at: .distantPast)
        #expect(Confirmed(first.yeses).broken == [RequestKey(rawValue: 1)])
    }

    @Test func `an unknown outcome is neither a refusal nor an error`() {
        let request = PlaceOrder(
            sale: SaleID(rawValue: 1), buyer: BuyerID(rawValue: 1), quantity: 1, key: RequestKey(rawValue: 1))
        var tally = Tally()
        tally.no(CallError(status: .unavailable, certainty: .maybeExecuted, message: ""), request)
        tally.no(
            CallError(status: .failedPrecondition, certainty: .executed, reason: .soldOut, message: ""),
            request)
        tally.no(CallError(status: .internal, certainty: .executed, message: "x"), request)
        #expect(tally.unknown == [request])
        #expect(tally.refused == ["soldOut": 1, "internal": 1])
        #expect(tally.errors == 1)
    }

    @Test func `latencies are told in milliseconds`() {
        var tally = Tally()
        tally.latencies = (1...1_000).map { $0 * 1_000 }
        let latency = Measurement(tally: tally, began: .distantPast).latency
        #expect(abs(latency.p50 - 500) < 5)
        #expect(abs(latency.p99 - 990) < 5)
        #expect(abs(latency.p999 - 999) < 5)
    }
}
