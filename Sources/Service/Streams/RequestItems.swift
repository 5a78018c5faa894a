public import Wire

/// The requests of a stream, in their order. One task reads them.
///
/// Reading is what allows the caller to send more.
public struct RequestItems<Request: MessageBody>: AsyncSequence, Sendable {
    public typealias Element = Request
    let channel: CallChannel

    public func makeAsyncIterator() -> Iterator { Iterator(channel: channel) }

    public struct Iterator: AsyncIteratorProtocol {
        let channel: CallChannel

        /// The next request; nil when the caller has said that there are no more.
        ///
        /// - Throws: `CancellationError` once the call is over, whatever ended it; `Failure` for a request
        ///   that cannot be read. Let either end the handler.
        public func next() async throws -> Request? {
            guard let item = try await channel.next() else { return nil }
            let bytes = item.isCompressed ? try BodyBytes.decompress(item.bytes.span) : item.bytes
            do throws(Failure) {
                return try BodyBytes.decode(bytes)
            } catch {
                // The handler has begun, so this is how it ended.
                var error = error
                error.certainty = .executed
                throw error
            }
        }
    }
}
