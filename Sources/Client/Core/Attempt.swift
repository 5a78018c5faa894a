/// One attempt of a call: where it was sent, and whether it is still open.
struct Attempt: Hashable, Sendable {
    enum State: Hashable, Sendable {
        /// There is none, or it has ended.
        case none
        /// Given to a session whose socket has not taken it yet.
        case assigned
        /// The socket has taken it: from here on it may run.
        case sent
    }

    var state = State.none
    /// From 1, as the wire has it.
    var number: UInt8 = 0
    var broker: Int32 = -1

    var isOpen: Bool { state != .none }
}
