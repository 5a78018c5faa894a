import Resilience
import Testing
import Wire

@Suite struct RateLimiterTests {
    private var limiter = RateLimiter(capacity: 4)
    private var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    private let rule = RateRule(10, per: .seconds(1), burst: 5)

    private mutating func passed(_ tries: Int, _ key: String = "ada") -> Int {
        (0..<tries).count { _ in limiter.decide(key, rule, now).isAllowed }
    }

    @Test mutating func `a burst passes at once, and then one in every interval`() {
        #expect(passed(10) == 5)
        for _ in 0..<20 {
            now = now + .milliseconds(99)
            #expect(passed(3) == 0)
            now = now + .milliseconds(1)
            #expect(passed(3) == 1)
        }
        now = now + .seconds(60)
        #expect(passed(10) == 5, "a pause saves up no more than the burst")
    }

    @Test mutating func `a decision says what is left and when to come again`() {
        #expect(
            limiter.decide("ada", rule, cost: 3, now)
                == RateDecision(
                    isAllowed: true, remaining: 2, retryAfter: .zero, resetAfter: .milliseconds(300)))
        let refusal = limiter.decide("ada", rule, cost: 3, now)
        #expect(
            refusal
                == RateDecision(
                    isAllowed: false, remaining: 2, retryAfter: .milliseconds(100),
                    resetAfter: .milliseconds(300)))
        now = now + refusal.retryAfter
        #expect(limiter.decide("ada", rule, cost: 3, now).isAllowed)
    }

    @Test mutating func `each key has a rate of its own`() {
        #expect(passed(10, "ada") == 5)
        #expect(passed(10, "bob") == 5)
    }

    @Test mutating func `keys for which there is no room share one rate`() {
        for key in 1...4 { #expect(passed(1, "\(key)") == 1) }
        let strangers = (5...100).reduce(0) { $0 + passed(1, "\($1)") }
        #expect(strangers == 5)
        #expect(limiter.count == 4)
    }

    @Test mutating func `a key whose past no longer counts makes room`() {
        for key in 1...4 { #expect(passed(1, "\(key)") == 1) }
        now = now + .milliseconds(100)
        #expect(passed(10, "5") == 5)
        #expect(limiter.count == 1)
    }

    @Test mutating func `of several claims all hold, or none takes anything`() {
        let global = RateRule(100, per: .seconds(1), burst: 7)
        for buyer in ["ada", "bob"] {
            for _ in 0..<10 {
                _ = limiter.decide([RateClaim(buyer, rule), RateClaim("all", global)], now)
            }
        }
        // Ada took 5 of everybody's 7, so Bob got 2, and his refused calls cost him nothing.
        let bob = limiter.decide([RateClaim("bob", rule)], now)
        #expect(bob.isAllowed && bob.remaining == 2)
        let all = limiter.decide([RateClaim("bob", rule), RateClaim("all", global)], now)
        #expect(!all.isAllowed && all.remaining == 0 && all.retryAfter == .milliseconds(10))
    }

    @Test func `a process's share is its part of the rate, and at least one call`() {
        let share = rule.share(of: 2)
        #expect(share.interval == .milliseconds(200) && share.burst == 2)
        #expect(rule.share(of: 100).burst == 1)
    }

    @Test func `a call that never fits is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            _ = RateClaim("ada", RateRule(1, per: .seconds(1)), cost: 2)
        }
    }
}
