import CZeroMQ
import Glibc

/// Keeps an ipc endpoint for one process, for as long as the value lives.
///
/// `zmq_bind` removes the socket file that it finds, also one that a live process listens on: the newcomer
/// would rob it of all later connections without a word (ipc_listener.cpp of libzmq 4.3.4). So whoever binds
/// first locks a file beside it, which the kernel unlocks when the process ends in whatever way (flock(2)).
/// The empty file stays: removing it would let two processes lock two files of one name.
public struct EndpointLock: ~Copyable {
    private let descriptor: Int32

    /// Locks the endpoint before it is bound. Endpoints that are not files need no lock and get nil: tcp has
    /// its own, and so have abstract (`ipc://@name`) and wildcard (`ipc://*`) names.
    ///
    /// - Throws: `isAddressInUse` when another process has it; else what opening `<path>.lock` met.
    public init?(_ endpoint: String) throws(ZeroMQError) {
        guard endpoint.hasPrefix("ipc://") else { return nil }
        let path = endpoint.dropFirst("ipc://".count)
        guard !path.isEmpty, !path.hasPrefix("@"), !path.hasPrefix("*") else { return nil }
        descriptor = open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ZeroMQError("open(\(path).lock)", code: errno) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            throw ZeroMQError(
                "zmq_bind(\(endpoint))", code: code == EWOULDBLOCK ? EADDRINUSE : code)
        }
    }

    deinit { close(descriptor) }
}
