import Wire

/// A session with one broker: one socket, one connection.
struct BrokerSession {
    enum State: Equatable {
        /// There is none; the next begins then.
        case waiting(until: MonotonicTime)
        /// The socket connects; READY could not be sent yet.
        case connecting
        /// READY is sent, the broker has not been heard yet.
        case introduced
        /// The broker's beats come: it knows this host.
        case joined
    }

    var state: State
    var heardAt: MonotonicTime
    /// The broker's clock as of its last beat; echoed, so that the broker knows how old our word is.
    var stamp: UInt64 = 0
    /// Sessions that ended since the last that was joined.
    var failures = 0
    /// Slots of the calls that it waits for, by its names for them.
    var calls: [UInt64: Int] = [:]

    var isUp: Bool {
        switch state {
        case .introduced, .joined: true
        case .waiting, .connecting: false
        }
    }
}
