import TraceContext
public import Tracing
import Wire

/// Makes every call a span, and tells the service where it stands in the trace (W3C Trace Context, Baggage),
/// with swift-distributed-tracing.
///
/// The program's tracer writes the metadata. Without one, a call made inside a service's handler passes on the
/// `traceparent` that the service was called with.
public struct CallTracing: ClientInterceptor {
    private let tracer: (any Tracer)?

    /// - Parameter tracer: where to; the program's own when left out.
    public init(tracer: (any Tracer)? = nil) { self.tracer = tracer }

    nonisolated(nonsending)
        public func intercept(_ call: CallContext, next: Next) async throws(CallError) -> CallReport
    {
        let tracer = tracer ?? InstrumentationSystem.tracer
        let context = ServiceContext.current ?? .topLevel
        let span = tracer.startSpan(call.method, context: context, ofKind: .client)
        defer { span.end() }
        span.attributes["rpc.system"] = "stampede"
        span.attributes["rpc.service"] = String(call.service)
        span.attributes["rpc.method"] = String(call.method.dropFirst(call.service.utf8.count + 1))
        var call = call
        tracer.inject(span.context, into: &call.options.metadata, using: MetadataWriter())
        if call.options.metadata.traceParent == nil {
            call.options.metadata.traceParent = context.traceParent
        }
        do throws(CallError) {
            let report = try await CallTracing.within(span.context, call, next)
            span.attributes["rpc.stampede.attempts"] = report.attempts
            return report
        } catch {
            span.attributes["rpc.stampede.attempts"] = error.attempts
            span.attributes["rpc.stampede.status"] = "\(error.status)"
            span.attributes["rpc.stampede.certainty"] = "\(error.certainty)"
            // Every failure is one for its caller (OpenTelemetry's rule for gRPC clients).
            span.setStatus(.init(code: .error, message: error.message))
            throw error
        }
    }

    /// What the body of a stream does is part of the call's span.
    private nonisolated(nonsending)
        static func within(
            _ context: ServiceContext, _ call: CallContext, _ next: Next
        ) async throws(CallError) -> CallReport
    {
        let result: Result<CallReport, CallError> = await ServiceContext.withValue(context) {
            do throws(CallError) {
                return .success(try await next(call))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private struct MetadataWriter: Injector {
        func inject(_ value: String, forKey key: String, into metadata: inout Metadata) {
            let key = key.lowercased()
            // A tracer's key that cannot be one of ours is lost, as it is in other transports.
            guard Metadata.isKey(key) else { return }
            metadata[text: key] = value
        }
    }
}
