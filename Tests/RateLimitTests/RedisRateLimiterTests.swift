import Redis
import RedisTestSupport
import Resilience
import Testing
import Wire
import ZeroMQ

@testable import RateLimit

/// Rates on real Redis servers.
@Suite struct RedisRateLimiterTests {
    private let loop = EventLoop()
    private let patience = TimeAmount.seconds(20)
    /// So slow that nothing comes back while a test runs.
    private let rule = RateRule(5, per: .seconds(3_600), fallback: .refuse)

    private func limiter(_ servers: [RedisServer]) -> RedisRateLimiter {
        let limiter = RedisRateLimiter(nodes: servers.map(\.address), loop: loop) {
            UInt64.random(in: 0...UInt64.max)
        }
        #expect(loop.run(atMost: patience) { limiter.isReady })
        return limiter
    }

    private func decide(_ claims: RateClaim..., by limiter: RedisRateLimiter) throws -> RateDecision {
        var found: RateDecision?
        limiter.decide(claims) { found = $0 }
        #expect(loop.run(atMost: patience) { found != nil })
        return try #require(found)
    }

    private func passed(_ tries: Int, _ claim: RateClaim, by limiter: RedisRateLimiter) throws -> Int {
        try (0..<tries).count { _ in try decide(claim, by: limiter).isAllowed }
    }

    @Test func `processes share a key's rate`() throws {
        let server = try RedisServer()
        let (one, two) = (limiter([server]), limiter([server]))
        defer {
            one.close()
            two.close()
        }
        #expect(try passed(3, RateClaim("ada", rule), by: one) == 3)
        #expect(try passed(10, RateClaim("ada", rule), by: two) == 2)
        #expect(try passed(1, RateClaim("bob", rule), by: two) == 1)
        let refusal = try decide(RateClaim("ada", rule), by: one)
        #expect(!refusal.isAllowed && refusal.remaining == 0)
        #expect(refusal.retryAfter > .seconds(600) && refusal.retryAfter <= .seconds(720))
        #expect(refusal.resetAfter > .seconds(3_400) && refusal.resetAfter <= .seconds(3_600))
    }

    @Test func `the rate comes back with the server's time`() throws {
        let server = try RedisServer()
        let limiter = limiter([server])
        defer { limiter.close() }
        let quick = RateRule(1_000, per: .seconds(1), burst: 1)
        var passed = 0
        #expect(
            loop.run(atMost: patience) {
                limiter.decide([RateClaim("ada", quick)]) { if $0.isAllowed { passed += 1 } }
                return passed >= 20
            })
    }

    @Test func `of several claims all hold, or none takes anything`() throws {
        let server = try RedisServer()
        let limiter = limiter([server])
        defer { limiter.close() }
        let all = RateRule(7, per: .seconds(3_600), fallback: .refuse)
        for buyer in ["ada", "bob"] {
            for _ in 0..<10 {
                _ = try decide(RateClaim(buyer, rule), RateClaim("all", all), by: limiter)
            }
        }
        #expect(try decide(RateClaim("bob", rule), by: limiter).remaining == 2)
        let refusal = try decide(RateClaim("bob", rule), RateClaim("all", all), by: limiter)
        #expect(!refusal.isAllowed && refusal.remaining == 0)
    }

    @Test func `a rate that is used up is used up, though the server's clock steps back`() throws {
        let server = try RedisServer()
        let limiter = limiter([server])
        defer { limiter.close() }
        _ = try passed(5, RateClaim("ada", rule), by: limiter)
        // As though the clock had been an hour ahead when the key was written.
        guard case .bytes(let digits) = try server.ask("GET", "rate:ada") else {
            Issue.record("the key has no time")
            return
        }
        let arrival = Int64(String(decoding: digits, as: UTF8.self))! + 3_600_000_000
        _ = try server.ask("SET", "rate:ada", .integer(arrival))
        let refusal = try decide(RateClaim("ada", rule), by: limiter)
        #expect(!refusal.isAllowed && refusal.retryAfter > .seconds(3_600))
    }

    @Test func `keys are spread over the nodes, each at home on one`() throws {
        let servers = try RedisServer.start(count: 3)
        let limiter = limiter(servers)
        defer { limiter.close() }
        for number in 0..<60 { _ = try decide(RateClaim("buyer-\(number)", rule), by: limiter) }
        let sizes = try servers.map { server -> Int64 in
            guard case .integer(let size) = try server.ask("DBSIZE") else { return 0 }
            return size
        }
        #expect(sizes.reduce(0, +) == 60)
        #expect(sizes.allSatisfy { $0 >= 8 })
    }

    @Test(arguments: [
        (RateRule.Fallback.allow, 10), (.refuse, 0), (.share(of: 2), 2),
    ])
    func `without its node each rule's fallback decides, and the node is used again when it is back`(
        fallback: RateRule.Fallback, expected: Int
    ) throws {
        let server = try RedisServer()
        let limiter = limiter([server])
        defer { limiter.close() }
        let rule = RateRule(5, per: .seconds(3_600), fallback: fallback)
        server.kill()
        #expect(loop.run(atMost: patience) { !limiter.isReady })
        #expect(try passed(10, RateClaim("ada", rule), by: limiter) == expected)
        try server.restart()
        #expect(loop.run(atMost: patience) { limiter.isReady })
        // The breaker lets the calls pass again, and then the server remembers them.
        #expect(
            loop.run(atMost: patience) {
                limiter.decide([RateClaim("bob", rule)]) { _ in }
                return (try? server.ask("EXISTS", "rate:bob")) == .integer(1)
            })
    }

    @Test func `a node that hangs holds nobody up`() throws {
        let server = try RedisServer()
        let limiter = limiter([server])
        defer { limiter.close() }
        server.pause()
        defer { server.resume() }
        let rule = RateRule(1_000, per: .seconds(3_600), fallback: .share(of: 2))
        #expect(try passed(50, RateClaim("ada", rule), by: limiter) == 50)
        // The breaker is open: the answer is there before the call returns.
        var isThere = false
        limiter.decide([RateClaim("ada", rule)]) { _ in isThere = true }
        #expect(isThere)
    }

    @Test func `tasks ask through a thread of its own`() async throws {
        let server = try RedisServer()
        let shared = SharedRateLimiter(nodes: [server.address])
        let rule = RateRule(50, per: .seconds(3_600), fallback: .refuse)
        // Until it is connected the fallback refuses.
        var first = await shared.decide([RateClaim("ada", rule)])
        while !first.isAllowed { first = await shared.decide([RateClaim("ada", rule)]) }
        let passed = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 { group.addTask { await shared.decide([RateClaim("ada", rule)]).isAllowed } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(passed == 49)
        shared.close()
        #expect(await shared.decide([RateClaim("ada", rule)]).isAllowed == false)
    }
}
