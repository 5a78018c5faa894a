public import Methods
public import Wire

/// A reply with what came beside it.
public struct Response<Reply: Sendable>: Sendable {
    public let reply: Reply
    /// Of the RESULT: the service's trailing metadata.
    public let metadata: Metadata
    /// How often the request was sent.
    public let attempts: Int
}

extension Response where Reply: MessageBody {
    /// Reads the answer of a call that ended well; throws any other end.
    @inlinable
    init(_ outcome: Outcome, of method: String, _ route: Route) throws(CallError) {
        let answer = try outcome.answer(route)
        do {
            reply = try answer.body(as: Reply.self)
        } catch {
            throw CallError.unreadable(method, error, route)
        }
        metadata = answer.metadata
        attempts = outcome.attempts
    }
}
