import Testing
import Wire

@testable import Resilience

/// The limit before a modelled server.
@Suite struct AdaptiveLimitTests {
    private let world = QueueModel()

    private var twenty: AdaptiveLimit.Configuration {
        var configuration = AdaptiveLimit.Configuration()
        configuration.first = 20
        return configuration
    }

    @Test(arguments: [1, 4, 16, 64])
    func `it settles where the server is busy and nobody waits for long`(capacity: Int) {
        world.capacity = capacity
        let found = world.settle()
        #expect(found >= capacity)
        // Vegas keeps between 3 and 6 decimal logarithms waiting, and at least one call.
        #expect(Double(found) <= Double(capacity) * 1.3 + 12)
        #expect(world.throughput >= 0.9 * world.possible)
    }

    @Test func `it follows a server that has become half as large, and as large again`() {
        world.capacity = 64
        _ = world.settle(seconds: 12)
        world.capacity = 32
        let halved = world.settle(seconds: 12)
        #expect((32...56).contains(halved))
        world.capacity = 64
        #expect((64...96).contains(world.settle(seconds: 12)))
    }

    @Test(arguments: [2, 10])
    func `a slower network makes it no smaller in the end, and never tiny`(factor: Int) {
        world.capacity = 64
        world.network = .milliseconds(5)
        _ = world.settle(seconds: 12)
        world.network = .milliseconds(5) * factor
        let found = world.settle(seconds: 12)
        #expect(world.least >= 20)
        #expect(world.throughput >= 0.8 * world.possible)
        #expect(found >= 64)
    }

    @Test func `a faster network is noticed`() {
        world.capacity = 64
        world.network = .milliseconds(20)
        _ = world.settle()
        world.network = .milliseconds(1)
        #expect((64...96).contains(world.settle()))
    }

    @Test func `callers that ask for little teach it nothing`() {
        world.capacity = 64
        world.demand = 5
        let found = world.settle()
        #expect(found <= 16)
    }

    @Test func `a limit is at most four times what was ever needed`() {
        world.capacity = 1_000
        world.demand = 11
        #expect(world.settle() <= 44)
    }

    @Test func `an overload takes a tenth, once in the time of a call`() {
        var limit = AdaptiveLimit(twenty)
        let now = MonotonicTime(nanoseconds: 1_000_000_000)
        for _ in 0..<20 {
            let permit = limit.admit(now)!
            limit.record(permit, .dropped, now)
        }
        #expect(limit.limit == 18)
        for step in 1...500 {
            let later = now + .milliseconds(Int64(step))
            let permit = limit.admit(later)!
            limit.record(permit, .dropped, later)
        }
        #expect(limit.limit == 1, "and never below one")
        #expect(limit.inFlight == 0)
    }

    @Test func `what is over the limit is refused`() {
        var limit = AdaptiveLimit(twenty)
        let now = MonotonicTime(nanoseconds: 1_000_000_000)
        let permits = (0..<20).map { _ in limit.admit(now)! }
        #expect(limit.admit(now) == nil)
        limit.record(permits[0], .ignored, now)
        #expect(limit.admit(now) != nil)
    }

    @Test(arguments: [1, 2, 7, 10, 99, 1_000])
    func `the logarithm is near enough`(number: Double) {
        let exact = [1: 0, 2: 0.301, 7: 0.845, 10: 1, 99: 1.996, 1_000: 3][number]!
        #expect(abs(AdaptiveLimit.log10(number) - exact) < 0.03)
    }
}

/// A server of so many places with a queue before it, behind a network, and callers that always want more.
private final class QueueModel {
    var capacity = 16
    var network = TimeAmount.zero
    /// Calls that the callers want to have in flight.
    var demand = 1_000
    private(set) var least = Int.max
    private(set) var throughput = 0.0
    private var limit = AdaptiveLimit()
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private var random = SplitMix64(seed: 13)
    private var calls: [(permit: AdaptiveLimit.Permit, arrives: MonotonicTime)] = []
    /// Calls in service and on their way back, in order of their ends.
    private var serving: [(permit: AdaptiveLimit.Permit, ends: MonotonicTime)] = []
    private var returning: [(permit: AdaptiveLimit.Permit, at: MonotonicTime)] = []

    private let service = TimeAmount.milliseconds(10)
    // It ends with a turn of a millisecond: half a millisecond later on average.

    /// Calls per second that the server can do, or that the demand allows.
    var possible: Double {
        let time = Double((service + network).nanoseconds) / 1e9
        return min(Double(capacity) / 0.0105, Double(min(demand, 1_000)) / time)
    }

    /// Runs for a while and says what the limit was on average in the second half of it.
    func settle(seconds: Int = 6) -> Int {
        least = .max
        var (sum, count, done) = (0, 0, 0)
        let steps = seconds * 1_000
        for step in 0..<steps {
            let ended = turn()
            if step % 10 == 0 { least = min(least, limit.limit) }
            guard step >= steps / 2 else { continue }
            sum += limit.limit
            count += 1
            done += ended
        }
        throughput = Double(done) / Double(seconds) * 2
        return sum / count
    }

    /// A millisecond.
    private func turn() -> Int {
        now = now + .milliseconds(1)
        while limit.inFlight < demand, let permit = limit.admit(now) {
            calls.append((permit, now + network / 2))
        }
        for call in serving where call.ends <= now {
            returning.append((call.permit, call.ends + network / 2))
        }
        serving.removeAll { $0.ends <= now }
        while serving.count < capacity, let next = calls.first, next.arrives <= now {
            calls.removeFirst()
            // Between half and one and a half times the usual.
            let spread = TimeAmount(nanoseconds: Int64(random.next() % 10_000_000))
            let ends = now + service / 2 + spread
            let place = serving.firstIndex { $0.ends > ends } ?? serving.endIndex
            serving.insert((next.permit, ends), at: place)
        }
        var back = 0
        while let call = returning.first, call.at <= now {
            returning.removeFirst()
            limit.record(call.permit, .success, now)
            back += 1
        }
        return back
    }
}
