public import Resilience
import Synchronization
import Wire
import ZeroMQ

/// Lets as many handlers run at a time as serve best, found by watching how long they take, and refuses the rest at
/// once: `resourceExhausted`, *not executed*. For handlers that share something slow, such as a database.
///
/// See `AdaptiveLimit`. A handler that fails with `resourceExhausted`, `unavailable` or `deadlineExceeded` counts as
/// overload; other failures say nothing. Streams pass: how long they take is their callers' choice.
public final class ConcurrencyLimitInterceptor: ServiceInterceptor {
    private let limit: Mutex<AdaptiveLimit>

    public init(_ configuration: AdaptiveLimit.Configuration = .init()) {
        limit = Mutex(AdaptiveLimit(configuration))
    }

    /// Handlers at a time, as of now.
    public var current: Int { limit.withLock { $0.limit } }

    public func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
        guard call.kind == .unary else { return try await next() }
        guard let permit = limit.withLock({ $0.admit(.now()) }) else {
            throw Failure(
                .resourceExhausted,
                "As many calls run as this host serves well; try again after the time given.",
                certainty: .notExecuted, reason: .overloaded, retryAfter: .milliseconds(20))
        }
        do {
            try await next()
            limit.withLock { $0.record(permit, .success, .now()) }
        } catch {
            let outcome = Self.outcome(Failure(error).status)
            limit.withLock { $0.record(permit, outcome, .now()) }
            throw error
        }
    }

    private static func outcome(_ status: Status) -> AdaptiveLimit.Outcome {
        switch status {
        case .resourceExhausted, .unavailable, .deadlineExceeded: .dropped
        case .ok, .cancelled, .unknown, .invalidArgument, .notFound, .alreadyExists, .permissionDenied,
            .failedPrecondition, .aborted, .outOfRange, .unimplemented, .internal, .dataLoss,
            .unauthenticated:
            .ignored
        }
    }
}
