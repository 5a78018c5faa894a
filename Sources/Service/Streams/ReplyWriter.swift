public import Wire

/// Sends a handler's replies, one by one.
public struct ReplyWriter<Reply: MessageBody>: Sendable {
    let channel: CallChannel

    /// Sends a reply; waits while the caller takes none, so that a slow reader slows its handler down.
    ///
    /// - Throws: `CancellationError` once the call is over, whatever ended it: let it end the handler.
    ///   `Failure` when the reply does not fit into a message of 65,536 bytes.
    public func send(_ reply: Reply) async throws {
        try await channel.send(
            try Parcel(BodyBytes.encode(reply), mayCompress: channel.takesCompressed))
    }
}
