import Wire

/// What the shell is to do. Performed in order, each once.
enum Action: Hashable, Sendable {
    /// Make a socket and connect it to this broker.
    case open(broker: Int)
    /// Close the socket; what it still holds is lost.
    case drop(broker: Int)
    case ping(broker: Int, nonce: UInt64)
    /// Send the call in this slot, then report `handedOver` or `notTaken`.
    case send(slot: Int)
    /// Tell the broker that the answer is no longer wanted.
    case cancel(broker: Int, id: CallID)
    /// Resume the caller. The slot is free again.
    case end(slot: Int, Ending)
}
