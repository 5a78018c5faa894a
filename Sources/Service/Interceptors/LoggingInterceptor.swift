public import Logging
import Wire
import ZeroMQ

/// Writes a line for every call: at level debug when it went well, as info when it was refused, and as error
/// when the service is to blame.
public struct LoggingInterceptor: ServiceInterceptor {
    private let logger: Logger

    public init(_ logger: Logger) { self.logger = logger }

    public func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
        let start = MonotonicTime.now()
        var metadata: Logger.Metadata = ["method": "\(call.method)", "retry": "\(call.isRetry)"]
        if let key = call.requestKey { metadata["key"] = "\(key)" }
        do {
            try await next()
            metadata["us"] = "\((.now() - start).microseconds)"
            logger.debug("A call was answered", metadata: metadata)
        } catch {
            let failure = Failure(error)
            metadata["us"] = "\((.now() - start).microseconds)"
            metadata["status"] = "\(failure.status)"
            metadata["error"] = "\(error)"
            logger.log(
                level: failure.status.blamesService ? .error : .info, "A call failed", metadata: metadata)
            throw error
        }
    }
}

extension Status {
    /// The service, not its caller or the time of day, is the cause (OpenTelemetry's rule for gRPC servers,
    /// https://opentelemetry.io/docs/specs/semconv/rpc/grpc/).
    var blamesService: Bool {
        switch self {
        case .unknown, .deadlineExceeded, .unimplemented, .internal, .unavailable, .dataLoss: true
        case .ok, .cancelled, .invalidArgument, .notFound, .alreadyExists, .permissionDenied,
            .resourceExhausted, .failedPrecondition, .aborted, .outOfRange, .unauthenticated:
            false
        }
    }
}
