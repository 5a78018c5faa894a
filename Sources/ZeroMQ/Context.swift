import CZeroMQ

/// A libzmq context: the I/O threads that every socket made from it shares.
///
/// Sockets keep their context alive, so it ends after the last of them.
public final class Context: @unchecked Sendable {
    // zmq(7): "A ØMQ context is thread safe and may be shared among as many application threads as
    // necessary", which is what makes the unchecked conformance true.
    let pointer: UnsafeMutableRawPointer

    /// - Parameter ioThreads: one moves about a gigabyte a second (zmq_ctx_set(3)); enough for one loop.
    public init(ioThreads: Int32 = 1) {
        Randomness.seed()
        guard let pointer = zmq_ctx_new() else { fatalError("zmq_ctx_new: out of memory") }
        self.pointer = pointer
        zmq_ctx_set(pointer, ZMQ_IO_THREADS, ioThreads)
        zmq_ctx_set(pointer, ZMQ_MAX_SOCKETS, 4096)
        // Without this a socket that is still lingering holds up the end of the process for ever.
        zmq_ctx_set(pointer, ZMQ_BLOCKY, 0)
    }

    deinit { zmq_ctx_term(pointer) }
}
