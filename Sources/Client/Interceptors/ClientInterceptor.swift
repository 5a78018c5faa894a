/// Something that stands around every call of a client: logging, metrics, tracing, credentials.
///
/// A call is one asynchronous scope, from before the first attempt until after the last; of a stream, until
/// its body has returned. Retries and hedges happen inside.
public protocol ClientInterceptor: Sendable {
    /// Makes a call, by `next`, exactly once, or throws instead.
    ///
    /// - Parameters:
    ///   - call: what is called. Changed options, such as more metadata, go to `next`.
    ///   - next: the rest: the interceptors further in, then the call itself.
    /// - Returns: what `next` has returned.
    /// - Throws: how the call failed, or a refusal of the interceptor's own.
    nonisolated(nonsending)
        func intercept(_ call: CallContext, next: Next) async throws(CallError) -> CallReport

    typealias Next = nonisolated(nonsending) (CallContext) async throws(CallError) -> CallReport
}
