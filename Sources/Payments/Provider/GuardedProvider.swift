public import Logging
import Resilience
public import Sales
import Synchronization
public import Wire
import ZeroMQ

/// A provider behind a circuit breaker: while it fails, nobody waits for it and nothing is begun.
public final class GuardedProvider: PaymentProvider {
    private let provider: any PaymentProvider
    private let breaker: Mutex<CircuitBreaker>
    private let logger: Logger

    /// - Parameter timeout: of one request to the provider.
    public init(
        _ provider: any PaymentProvider, timeout: TimeAmount, seed: UInt64 = .random(in: .min ... .max),
        logger: Logger
    ) {
        self.provider = provider
        var configuration = CircuitBreaker.Configuration()
        // One buyer's bank that takes its time says nothing about the others'.
        configuration.overdue = nil
        configuration.slow = timeout
        configuration.probeTimeout = timeout + .seconds(1)
        breaker = Mutex(CircuitBreaker(configuration, seed: seed))
        self.logger = logger
    }

    /// After what time it makes sense to begin a payment; nil when it does now.
    public func refusal(_ now: MonotonicTime) -> TimeAmount? {
        breaker.withLock { breaker in
            breaker.tick(now)
            // Half-open it needs calls to try: who begins now is one of them, or waits for one.
            return breaker.stateName == .open ? breaker.retryAfter(now) : nil
        }
    }

    public func charge(_ request: ChargeRequest) async throws(ProviderError) -> Charge {
        try await guarded { () async throws(ProviderError) in try await self.provider.charge(request) }
    }

    public func find(_ attempt: RequestKey) async throws(ProviderError) -> Charge? {
        try await guarded { () async throws(ProviderError) in try await self.provider.find(attempt) }
    }

    public func cancel(_ attempt: RequestKey) async throws(ProviderError) -> Charge {
        try await guarded { () async throws(ProviderError) in try await self.provider.cancel(attempt) }
    }

    public func refund(_ attempt: RequestKey) async throws(ProviderError) -> Charge {
        try await guarded { () async throws(ProviderError) in try await self.provider.refund(attempt) }
    }

    public func charges(after cursor: String?, limit: Int) async throws(ProviderError) -> ChargePage {
        try await guarded { () async throws(ProviderError) in
            try await self.provider.charges(after: cursor, limit: limit)
        }
    }

    private func guarded<Value: Sendable>(
        _ body: @Sendable () async throws(ProviderError) -> Value
    ) async throws(ProviderError) -> Value {
        let permit: CircuitBreaker.Permit
        switch breaker.withLock({ $0.admit(.now()) }) {
        case .refused(let retryAfter): throw .unreachable(retryAfter: retryAfter)
        case .admitted(let admitted): permit = admitted
        }
        do throws(ProviderError) {
            let value = try await body()
            record(permit, .success)
            return value
        } catch {
            switch error {
            case .unreachable: record(permit, .unreachable)
            case .unknown: record(permit, .failure)
            case .contentDiffers, .nothingTaken, .refused: record(permit, .success)
            }
            throw error
        }
    }

    private func record(_ permit: CircuitBreaker.Permit, _ outcome: CircuitBreaker.Outcome) {
        let events = breaker.withLock { breaker in
            breaker.record(permit, outcome, .now())
            return breaker.takeEvents()
        }
        for event in events {
            logger.warning(
                "The breaker of the payment provider changed", metadata: ["change": "\(event.change)"])
        }
    }
}
