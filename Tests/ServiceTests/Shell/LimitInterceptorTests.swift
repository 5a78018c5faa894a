import Resilience
import Testing
import Wire

@testable import Service

@Suite(.timeLimit(.minutes(2))) struct LimitInterceptorTests {
    @Test func `calls over a caller's rate are refused with the time to come back`() async throws {
        let rule = RateRule(2, per: .seconds(3_600))
        let limiter = RateLimitInterceptor(LocalRateLimiter()) { call in
            call.metadata[text: "tenant"].map { [RateClaim($0, rule)] } ?? []
        }
        try await Stage.run(interceptors: [limiter]) { stage in
            var tenant = Metadata()
            tenant[text: "tenant"] = "acme"
            for id in 1...2 as ClosedRange<UInt64> {
                try stage.caller.call("greeter.hello", id: id, metadata: tenant, body: Hello(name: "x").bytes)
                let result = try await stage.caller.next(.result)
                #expect(result.header.status == .ok)
                #expect(result.metadata[text: "rate-remaining"] == "\(2 - id)")
            }
            try stage.caller.call("greeter.hello", id: 3, metadata: tenant, body: Hello(name: "x").bytes)
            let refusal = try await stage.caller.next(.result)
            #expect(refusal.header.status == .resourceExhausted)
            #expect(refusal.header.certainty == .notExecuted)
            #expect(refusal.header.milliseconds > 1_000_000)
            try stage.caller.call("greeter.hello", id: 4, body: Hello(name: "x").bytes)
            #expect(try await stage.caller.next(.result).header.status == .ok)
        }
    }

    @Test func `calls over the limit are refused while others run`() async throws {
        // It begins with one.
        let limit = ConcurrencyLimitInterceptor()
        #expect(limit.current == 1)
        var configuration = HostConfiguration()
        configuration.grace = .milliseconds(1)
        try await Stage.run(configuration, interceptors: [limit]) { stage in
            try stage.caller.call("greeter.wait", id: 1, body: Hello(name: "x").bytes)
            await stage.diary.wait(for: "begun x")
            try stage.caller.call("greeter.hello", id: 2, body: Hello(name: "x").bytes)
            let refusal = try await stage.caller.next(.result)
            #expect(refusal.header.callID == 2)
            #expect(refusal.header.status == .resourceExhausted && refusal.header.certainty == .notExecuted)
            #expect(refusal.header.milliseconds == 20)
        }
    }
}
