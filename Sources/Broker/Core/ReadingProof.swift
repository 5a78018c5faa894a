/// How much of what was sent to a peer it has certainly read.
///
/// ZeroMQ tells nobody how full the pipe to a peer is, and counts messages, not bytes. So the broker asks now
/// and then: whoever answers a PING has read everything that was sent before it, because messages between
/// two sockets keep their order.
package struct ReadingProof {
    /// Bytes that were sent and are not known to be read.
    private(set) var unread = 0
    /// Of these, what was sent after the question that is open.
    private var sinceQuestion = 0
    /// The number of the question that is open, or 0.
    private(set) var question: UInt64 = 0

    /// Unread bytes after which it is time to ask.
    package static let askingStep = 256 << 10

    package var isTimeToAsk: Bool { question == 0 && unread >= Self.askingStep }

    package mutating func sent(_ bytes: Int) {
        unread += bytes
        sinceQuestion += bytes
    }

    package mutating func ask(_ number: UInt64) {
        question = number
        sinceQuestion = 0
    }

    /// The peer has read something that is as new as the question or newer.
    package mutating func answered(since stamp: UInt64) {
        if question != 0, stamp >= question { _ = answered(question) }
    }

    /// The peer has answered a question; returns the bytes that it is now known to have read.
    package mutating func answered(_ number: UInt64) -> Int {
        guard question != 0, number == question else { return 0 }
        question = 0
        let read = unread - sinceQuestion
        unread = sinceQuestion
        return read
    }
}
