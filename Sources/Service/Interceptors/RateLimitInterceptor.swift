public import Resilience
import Synchronization
import Wire
import ZeroMQ

/// Refuses calls over a rate, `resourceExhausted` and *not executed*, with the time to come back and how many are left
/// in the answer's metadata (`rate-remaining`, `rate-reset-ms`).
///
///     RateLimitInterceptor(LocalRateLimiter()) { call in
///         [RateClaim(call.metadata[text: "tenant"] ?? "", RateRule(100, per: .seconds(1)))]
///     }
public struct RateLimitInterceptor<Limiter: RateDeciding>: ServiceInterceptor {
    private let limiter: Limiter
    private let claims: @Sendable (ServiceCall) -> [RateClaim]

    /// - Parameters:
    ///   - limiter: `LocalRateLimiter` for this process, `SharedRateLimiter` for all that share its Redis nodes.
    ///   - claims: what a call takes, each key once; nothing lets it pass. All hold, or none takes anything.
    public init(_ limiter: Limiter, claims: @escaping @Sendable (ServiceCall) -> [RateClaim]) {
        self.limiter = limiter
        self.claims = claims
    }

    public func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
        let claims = claims(call)
        guard !claims.isEmpty else { return try await next() }
        let decision = await limiter.decide(claims)
        call.trailingMetadata[text: "rate-remaining"] = "\(decision.remaining)"
        call.trailingMetadata[text: "rate-reset-ms"] = "\(decision.resetAfter.milliseconds)"
        guard decision.isAllowed else {
            throw Failure(
                .resourceExhausted, "The caller's rate is used up; try again after the time given.",
                certainty: .notExecuted, reason: .overloaded,
                // Rounded up: a millisecond too early would be refused again.
                retryAfter: decision.retryAfter + .milliseconds(1))
        }
        try await next()
    }
}

/// The rates of one process.
public final class LocalRateLimiter: RateDeciding, Sendable {
    private let limiter: Mutex<RateLimiter>

    /// - Parameter capacity: keys at a time; those over it share one rate.
    public init(capacity: Int = 65_536) { limiter = Mutex(RateLimiter(capacity: capacity)) }

    public func decide(_ claims: [RateClaim]) async -> RateDecision {
        limiter.withLock { $0.decide(claims, .now()) }
    }
}
