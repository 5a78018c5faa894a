import Logging
import Synchronization
import Wire

/// One call on its way through interceptors and handler, in a task of its own.
struct HandlerRun: Sendable {
    let handler: @Sendable (ServiceCall, [UInt8]) async throws -> [UInt8]
    let call: ServiceCall
    let body: [UInt8]
    let isCompressed: Bool
    let interceptors: [any ServiceInterceptor]
    let logger: Logger

    func answer() async -> Answer {
        let outcome: Result<[UInt8], Failure>
        do {
            outcome = .success(try await reply())
        } catch {
            outcome = .failure(Failure(error))
            if !(error is Failure), !(error is CancellationError) {
                logger.error("A handler failed", metadata: ["method": "\(call.method)", "error": "\(error)"])
            }
        }
        // From here on a writer that somebody kept sends nothing.
        call.channel.stop()
        return Answer(outcome, on: call.channel)
    }

    private func reply() async throws -> [UInt8] {
        guard !interceptors.isEmpty else { return try await handle() }
        let reply = Mutex<[UInt8]?>(nil)
        try await intercept(0) {
            let bytes = try await handle()
            reply.withLock { $0 = bytes }
        }
        guard let bytes = reply.withLock({ $0 }) else {
            throw Failure(
                .internal, "An interceptor ended the call without a failure; report this.",
                certainty: .notExecuted)
        }
        return bytes
    }

    private func handle() async throws -> [UInt8] {
        try await handler(call, isCompressed ? try BodyBytes.decompress(body.span) : body)
    }

    private func intercept(
        _ index: Int, _ handle: @escaping @Sendable () async throws -> Void
    ) async throws {
        guard index < interceptors.count else { return try await handle() }
        try await interceptors[index].intercept(call) { try await intercept(index + 1, handle) }
    }
}
