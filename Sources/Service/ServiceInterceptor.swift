/// Something that stands around the handlers of a host: logging, metrics, tracing, checks of one's own.
///
/// It sees each call, unary or stream, as one piece of work that begins, and ends with or without an error.
/// Calls of inline methods pass it by.
public protocol ServiceInterceptor: Sendable {
    /// Calls `next` once, or throws a `Failure` instead, which the caller gets as the answer.
    ///
    /// What `next` throws is how the call failed: `Failure(error)` tells what the caller will see. Metadata of
    /// the answer can be set on the call, also after `next` has returned.
    func intercept(
        _ call: ServiceCall, next: @Sendable () async throws -> Void
    ) async throws
}
