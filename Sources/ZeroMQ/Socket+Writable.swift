import CZeroMQ

extension Socket {
    /// True when a DEALER has a live connection that would take a message now (`ZMQ_EVENTS`).
    ///
    /// With `ZMQ_IMMEDIATE` a pipe exists only while the connection does, so this is how a session notices,
    /// without sending anything, that it was established or lost.
    public var isWritable: Bool {
        borrowing get {
            var events: Int32 = 0
            var size = MemoryLayout<Int32>.size
            let code = zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &size)
            precondition(code == 0, "zmq_getsockopt(ZMQ_EVENTS): \(ZeroMQError("zmq_getsockopt"))")
            return events & ZMQ_POLLOUT != 0
        }
    }
}
