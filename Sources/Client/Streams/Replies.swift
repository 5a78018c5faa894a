import Methods
public import Wire

/// The items of a stream, in order, as the service sends them.
///
/// For one reader. A slow one stops the service: no more items wait than `CallOptions.window` says.
public struct Replies<Reply: MessageBody>: AsyncSequence, Sendable {
    public typealias Element = Reply

    let pipe: StreamPipe
    let method: String
    let route: Route
    /// The one reply of a client-stream call is in its RESULT.
    let isInResult: Bool

    /// What came beside the first item; empty before that.
    public var initialMetadata: Metadata { pipe.initialMetadata ?? Metadata() }

    /// What came beside the end of the call; empty before that.
    public var trailingMetadata: Metadata { pipe.outcome?.answer.metadata ?? Metadata() }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(replies: self) }

    /// The next item, or nil when the service has ended the call with a yes.
    ///
    /// - Throws: how the call ended otherwise, after every item that came before.
    nonisolated(nonsending) public func next() async throws(CallError) -> Reply? {
        switch await pipe.next() {
        case .item(let parcel): return try decode(parcel)
        case .end(let outcome):
            guard outcome.ending.status == .ok else {
                throw CallError(outcome, route)
            }
            return nil
        }
    }

    /// The one reply of a client-stream call. Waits for it; `Items.finish()` must have been called for the
    /// service to give it.
    ///
    /// - Throws: how the call ended, if not with a reply.
    nonisolated(nonsending) public func reply() async throws(CallError) -> Reply {
        precondition(isInResult, "\(method) replies with a stream; read its items")
        while case .item = await pipe.next() {}
        guard let outcome = pipe.outcome else { preconditionFailure("\(method) ended without an outcome") }
        guard outcome.ending.status == .ok else {
            throw CallError(outcome, route)
        }
        return try decode(outcome.answer)
    }

    private func decode(_ parcel: Parcel) throws(CallError) -> Reply {
        do {
            return try parcel.body(as: Reply.self)
        } catch {
            throw CallError.unreadable(method, error, route)
        }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let replies: Replies

        nonisolated(nonsending) public mutating func next() async throws(CallError) -> Reply? {
            try await replies.next()
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(CallError) -> Reply? {
            try await replies.next()
        }
    }
}
