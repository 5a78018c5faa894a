public import Logging
import Sales
import Wire
import ZeroMQ

/// Writes a line for every call: at level debug when it went well, as info when it was refused, and as warning
/// when nobody knows whether it ran.
public struct CallLogging: ClientInterceptor {
    private let logger: Logger

    public init(_ logger: Logger) { self.logger = logger }

    nonisolated(nonsending)
        public func intercept(_ call: CallContext, next: Next) async throws(CallError) -> CallReport
    {
        let start = MonotonicTime.now()
        var metadata: Logger.Metadata = ["method": "\(call.method)"]
        do throws(CallError) {
            let report = try await next(call)
            metadata["us"] = "\((.now() - start).microseconds)"
            metadata["attempts"] = "\(report.attempts)"
            logger.debug(report.wasLeft ? "A stream was left" : "A call succeeded", metadata: metadata)
            return report
        } catch {
            metadata["us"] = "\((.now() - start).microseconds)"
            metadata["attempts"] = "\(error.attempts)"
            metadata["status"] = "\(error.status)"
            metadata["certainty"] = "\(error.certainty)"
            if error.reason != .none { metadata["reason"] = "\(error.reason)" }
            if let key = error.requestKey { metadata["key"] = "\(key.rawValue)" }
            metadata["error"] = "\(error.message)"
            logger.log(
                level: error.certainty == .maybeExecuted ? .warning : .info, "A call failed",
                metadata: metadata)
            throw error
        }
    }
}
