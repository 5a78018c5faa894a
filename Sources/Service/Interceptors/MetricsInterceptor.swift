public import Metrics
import Wire
import ZeroMQ

/// Counts calls and measures how long their handlers take, with swift-metrics:
///
/// - counter `stampede_service_calls` by `method` and `status`,
/// - timer `stampede_service_duration` by `method`,
/// - meter `stampede_service_in_hand` by `method`: calls whose handlers run.
public struct MetricsInterceptor: ServiceInterceptor {
    private let factory: any MetricsFactory

    /// - Parameter factory: where to; the program's own when left out.
    public init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

    public func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
        let start = MonotonicTime.now()
        let method = ("method", call.method)
        let inHand = Meter(label: "stampede_service_in_hand", dimensions: [method], factory: factory)
        inHand.increment()
        var status = Status.ok
        defer {
            inHand.decrement()
            Counter(
                label: "stampede_service_calls", dimensions: [method, ("status", "\(status)")],
                factory: factory
            ).increment()
            Timer(label: "stampede_service_duration", dimensions: [method], factory: factory)
                .recordNanoseconds((.now() - start).nanoseconds)
        }
        do {
            try await next()
        } catch {
            status = Failure(error).status
            throw error
        }
    }
}
