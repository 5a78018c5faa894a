import Methods
import Synchronization
public import Wire

/// Where the caller of a stream sends its items.
public struct Items<Request: MessageBody>: Sendable {
    private final class End: Sendable {
        let isFinished = Atomic<Bool>(false)
    }

    let pipe: StreamPipe
    let route: Route
    let compresses: Bool
    private let end = End()

    init(pipe: StreamPipe, route: Route, compresses: Bool) {
        self.pipe = pipe
        self.route = route
        self.compresses = compresses
    }

    /// Sends an item. Waits while the service does not take more.
    ///
    /// - Returns: false when the service has ended the call with a yes: it wants no more items.
    /// - Throws: how the call ended otherwise; `INVALID_ARGUMENT` for an item beyond `Limits.messageSize`.
    @discardableResult
    nonisolated(nonsending) public func send(_ item: Request) async throws(CallError) -> Bool {
        precondition(!end.isFinished.load(ordering: .relaxed), "an item was sent after finish()")
        let body = BodyBytes(item, compressing: compresses)
        guard Header.size + body.bytes.count <= Limits.messageSize else {
            throw CallError(.refused(.invalidArgument, .tooLarge), route)
        }
        if await pipe.permit() {
            pipe.post(StreamPipe.Item(body: body.bytes, isCompressed: body.isCompressed))
            return true
        }
        if let outcome = pipe.outcome, outcome.ending.status != .ok {
            throw CallError(outcome, route)
        }
        return false
    }

    /// Says that there are no more items. The service may still answer. Once is enough, more do no harm.
    public func finish() {
        guard !end.isFinished.exchange(true, ordering: .relaxed) else { return }
        pipe.post(StreamPipe.Item(isEnd: true))
    }
}
