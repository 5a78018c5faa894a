import Resilience
import Wire

extension Operation {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    /// What stands before a call: breaker, rate, limit.
    static var guards: [Operation] {
        [
            Operation(name: "breaker.closed", title: "Breaker: admit and record, closed", promise: 25) {
                count in
                {
                    // Inside, so that nothing but the calls is measured: a captured variable's accesses are checked.
                    var breaker = CircuitBreaker(seed: 1)
                    var now = start
                    for _ in 0..<count {
                        now = now + .nanoseconds(1_000)
                        guard case .admitted(let permit) = breaker.admit(now) else { fatalError("it opened") }
                        breaker.record(permit, .success, now)
                    }
                    consume(breaker.counts.succeeded)
                }
            },
            Operation(name: "breaker.open", title: "Breaker: refuse, open") { count in
                var configuration = CircuitBreaker.Configuration()
                (configuration.openTime, configuration.longestOpenTime) = (.seconds(3_600), .seconds(3_600))
                return { [configuration] in
                    var breaker = CircuitBreaker(configuration, seed: 1)
                    breaker.trip(start)
                    var now = start
                    var refused = 0
                    for _ in 0..<count {
                        now = now + .nanoseconds(1_000)
                        if case .refused = breaker.admit(now) { refused += 1 }
                    }
                    consume(refused)
                }
            },
            Operation(name: "rate.decide", title: "Rate: decide about one of 1,000 keys") { count in
                let rule = RateRule(1_000, per: .seconds(1))
                let keys = (0..<1_000).map { "buyer-\($0)" }
                return {
                    var limiter = RateLimiter()
                    var now = start
                    var allowed = 0
                    for index in 0..<count {
                        now = now + .nanoseconds(1_000)
                        if limiter.decide(keys[index % 1_000], rule, now).isAllowed { allowed += 1 }
                    }
                    consume(allowed)
                }
            },
            Operation(name: "limit.call", title: "Limit: admit and record") { count in
                {
                    var limit = AdaptiveLimit()
                    var now = start
                    for _ in 0..<count {
                        guard let permit = limit.admit(now) else { fatalError("one at a time is too many") }
                        now = now + .nanoseconds(1_000)
                        limit.record(permit, .success, now)
                    }
                    consume(limit.limit)
                }
            },
        ]
    }
}
