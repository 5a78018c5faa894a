public import Metrics
import Wire
import ZeroMQ

/// Counts calls and measures how long they take, retries included, with swift-metrics:
///
/// - counter `stampede_client_calls` by `method` and `status`,
/// - counter `stampede_client_retries` by `method`: attempts beyond the first, hedges included,
/// - timer `stampede_client_duration` by `method`.
public struct CallMetrics: ClientInterceptor {
    private let factory: any MetricsFactory

    /// - Parameter factory: where to; the program's own when left out.
    public init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

    nonisolated(nonsending)
        public func intercept(_ call: CallContext, next: Next) async throws(CallError) -> CallReport
    {
        let start = MonotonicTime.now()
        do throws(CallError) {
            let report = try await next(call)
            record(call, report.wasLeft ? .cancelled : .ok, report.attempts, since: start)
            return report
        } catch {
            record(call, error.status, error.attempts, since: start)
            throw error
        }
    }

    private func record(
        _ call: CallContext, _ status: Status, _ attempts: Int, since start: MonotonicTime
    ) {
        let method = ("method", call.method)
        Counter(
            label: "stampede_client_calls", dimensions: [method, ("status", "\(status)")], factory: factory
        ).increment()
        if attempts > 1 {
            Counter(label: "stampede_client_retries", dimensions: [method], factory: factory)
                .increment(by: attempts - 1)
        }
        Timer(label: "stampede_client_duration", dimensions: [method], factory: factory)
            .recordNanoseconds((.now() - start).nanoseconds)
    }
}
