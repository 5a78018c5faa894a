import Wire
import ZeroMQ

/// Copies of the calls that may have to be sent later or again. Copied, because a small message that is held
/// pins the 8 KiB arena that it was received in.
struct KeptMessages {
    /// A slot that held a longer message gives its memory back.
    private static let retainedCapacity = 1_024

    private var messages: [[UInt8]]

    init(capacity: Int) { messages = Array(repeating: [], count: capacity) }

    mutating func keep(_ message: Span<UInt8>, in slot: Int32) {
        forget(slot)
        unsafe message.withUnsafeBufferPointer { unsafe messages[Int(slot)].append(contentsOf: $0) }
    }

    mutating func forget(_ slot: Int32) {
        messages[Int(slot)].removeAll(keepingCapacity: messages[Int(slot)].capacity <= Self.retainedCapacity)
    }

    func message(_ slot: Int32) -> Message { Message(copying: messages[Int(slot)]) }
}
