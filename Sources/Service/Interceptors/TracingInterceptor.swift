import TraceContext
public import Tracing
import Wire

/// Makes every call a span of the trace that its caller sent (W3C Trace Context, Baggage), with
/// swift-distributed-tracing.
///
/// What a handler does, its own calls to other services included, is part of that span.
public struct TracingInterceptor: ServiceInterceptor {
    private let tracer: (any Tracer)?

    /// - Parameter tracer: where to; the program's own when left out.
    public init(tracer: (any Tracer)? = nil) { self.tracer = tracer }

    public func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
        let tracer = tracer ?? InstrumentationSystem.tracer
        var context = ServiceContext.current ?? .topLevel
        // Programs without a tracer of theirs still pass on where they stand.
        context.traceParent = call.metadata.traceParent
        tracer.extract(call.metadata, into: &context, using: MetadataReader())
        try await tracer.withSpan(call.method, context: context, ofKind: .server) { span in
            span.attributes["rpc.system"] = "stampede"
            span.attributes["rpc.service"] = call.service
            span.attributes["rpc.method"] = String(call.method.dropFirst(call.service.utf8.count + 1))
            do {
                try await next()
            } catch {
                let failure = Failure(error)
                span.attributes["rpc.stampede.status"] = "\(failure.status)"
                if failure.status.blamesService {
                    span.setStatus(.init(code: .error, message: failure.message))
                }
                throw error
            }
        }
    }

    private struct MetadataReader: Extractor {
        func extract(key: String, from metadata: Metadata) -> String? { metadata[text: key] }
    }
}
