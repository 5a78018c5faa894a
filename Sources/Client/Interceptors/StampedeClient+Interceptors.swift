public import Methods
import Sales
public import Wire

extension StampedeClient {
    /// A unary call with the interceptors around it.
    @usableFromInline
    nonisolated(nonsending)
        func intercepted<Request: MessageBody, Reply: MessageBody>(
            _ method: Method<Request, Reply>, _ request: Request, _ route: Route, _ options: CallOptions
        ) async throws(CallError) -> Response<Reply>
    {
        var response: Response<Reply>?
        let context = CallContext(method: method.name, isStream: false, options: options)
        _ = try await intercept(context, 0) { context throws(CallError) in
            let made = try await self.direct(method, request, route, context.options)
            response = made
            return CallReport(attempts: made.attempts, metadata: made.metadata, wasLeft: false)
        }
        guard let response else { preconditionFailure("an interceptor neither made the call nor threw") }
        return response
    }

    /// A stream's scope with the interceptors around it. They see the call's end; what the scope itself threw
    /// passes them by.
    nonisolated(nonsending)
        func intercepted<Request: MessageBody, Reply: MessageBody, Result>(
            _ method: StreamMethod<Request, Reply>, _ options: CallOptions,
            _ scope:
                nonisolated(nonsending) (CallOptions) async throws(CallError) -> Scoped<Result>
        ) async throws -> Result
    {
        var result: Swift.Result<Result, any Error>?
        let context = CallContext(method: method.name, isStream: true, options: options)
        do throws(CallError) {
            _ = try await intercept(context, 0) { context throws(CallError) in
                let (pipe, made) = try await scope(context.options)
                result = made
                return try CallReport(of: pipe)
            }
        } catch {
            // Only an interceptor's own refusal leaves no result.
            guard result != nil else { throw error }
        }
        guard let result else { preconditionFailure("an interceptor neither made the call nor threw") }
        return try result.get()
    }

    /// What became of a stream's scope, and the stream itself.
    typealias Scoped<Result> = (StreamPipe, Swift.Result<Result, any Error>)

    private nonisolated(nonsending)
        func intercept(
            _ call: CallContext, _ index: Int, _ last: ClientInterceptor.Next
        ) async throws(CallError) -> CallReport
    {
        guard index < interceptors.count else { return try await last(call) }
        return try await interceptors[index].intercept(call) { call throws(CallError) in
            try await self.intercept(call, index + 1, last)
        }
    }
}

extension CallReport {
    /// The end of a stream: throws its failure. One that was still open is reported as left.
    fileprivate init(of pipe: StreamPipe) throws(CallError) {
        guard let outcome = pipe.outcome, !pipe.wasLeft else {
            self.init(attempts: 1, metadata: Metadata(), wasLeft: true)
            return
        }
        guard outcome.ending.status == .ok else { throw CallError(outcome, .anywhere) }
        self.init(
            attempts: Int(outcome.ending.attempts), metadata: outcome.answer.metadata, wasLeft: false)
    }
}
