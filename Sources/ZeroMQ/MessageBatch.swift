import CZeroMQ

/// Messages that are to be sent together, one right after the other.
///
/// libzmq hands every message to its I/O thread and wakes it if it sleeps. Whoever thinks between two sends
/// lets it fall asleep in between, and pays for a wake-up (a system call and two changes of threads) per
/// message; sent in one go, one wake-up serves them all.
public struct MessageBatch: ~Copyable {
    /// The most that it holds.
    public let capacity: Int
    private let messages: UnsafeMutablePointer<zmq_msg_t>
    public private(set) var count = 0

    public init(capacity: Int) {
        self.capacity = capacity
        messages = .allocate(capacity: capacity)
    }

    deinit {
        for index in 0..<count { zmq_msg_close(messages + index) }
        messages.deallocate()
    }

    public var isFull: Bool { count == capacity }

    /// Takes a message in and leaves an empty one behind. There must be room.
    public mutating func append(_ message: inout Message) {
        precondition(!isFull, "a batch holds \(capacity) messages")
        zmq_msg_init(messages + count)
        zmq_msg_move(messages + count, &message.raw)
        count += 1
    }

    /// Empties the batch. Messages that were sent hold nothing any more; of the others, each must have been
    /// dropped.
    public mutating func removeSent() { count = 0 }

    /// Lets go of a message that could not be sent.
    public mutating func drop(at index: Int) { zmq_msg_close(self[index]) }

    subscript(index: Int) -> UnsafeMutablePointer<zmq_msg_t> {
        precondition(index < count, "the batch has \(count) messages")
        return messages + index
    }
}

extension Socket {
    /// Sends a message of a batch to one peer of a ROUTER without blocking.
    public borrowing func send(
        _ batch: borrowing MessageBatch, at index: Int, to identity: Span<UInt8>
    ) -> SendResult {
        let result = identity.withUnsafeBytes { sendIdentity($0) }
        guard result == .sent else { return result }
        return send(batch[index], flags: ZMQ_DONTWAIT)
    }
}
