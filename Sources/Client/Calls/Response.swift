public import Wire

/// A reply with what came beside it.
public struct Response<Reply: Sendable>: Sendable {
    public let reply: Reply
    /// Of the RESULT: the service's trailing metadata.
    public let metadata: Metadata
    /// How often the request was sent.
    public let attempts: Int
}
