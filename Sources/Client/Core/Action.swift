import Wire

/// What the shell is to do. Performed in order, each once.
enum Action: Hashable, Sendable {
    /// Make a socket and connect it to this broker.
    case open(broker: Int)
    /// Close the socket; what it still holds is lost.
    case drop(broker: Int)
    case ping(broker: Int, nonce: UInt64)
    /// Answer a broker's PING.
    case pong(broker: Int, nonce: UInt64)
    /// Send this attempt of the call in this slot, then report `handedOver` or `notTaken`.
    case send(slot: Int, attempt: UInt8)
    /// Hold the answer at hand: the call waits for its other attempt, and may end with this one's words.
    case hold(slot: Int)
    /// Send the items of the stream that were kept, from the first on.
    case replay(slot: Int)
    /// Forget the items that were kept: the stream will not be sent again.
    case commit(slot: Int)
    /// Give the reader the item at hand.
    case deliver(slot: Int)
    /// Let the writer send so many more items.
    case permit(slot: Int, count: UInt32)
    /// Tell the broker how many items the reader takes in all.
    case credit(broker: Int, id: CallID, total: UInt32)
    /// Tell the broker that the answer is no longer wanted.
    case cancel(broker: Int, id: CallID)
    /// Resume the caller. The slot is free again.
    case end(slot: Int, Ending)
}
