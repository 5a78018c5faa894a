import Glibc

/// Wakes a thread that waits in `poll`: a pipe (pipe(7)) that holds at most a few bytes.
public final class Doorbell: Sendable {
    /// Readable after a ring.
    public let descriptor: Int32
    private let writer: Int32

    public init() {
        var ends: [Int32] = [0, 0]
        let code = pipe(&ends)
        precondition(code == 0, "pipe failed (errno \(errno)); raise the limit of open files")
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        descriptor = ends[0]
        writer = ends[1]
    }

    deinit {
        close(descriptor)
        close(writer)
    }

    /// May be called on any thread.
    public func ring() {
        var byte: UInt8 = 1
        // A full pipe has been rung already.
        _ = write(writer, &byte, 1)
    }

    /// Takes the rings that have been.
    public func silence() {
        var bytes: (UInt64, UInt64) = (0, 0)
        _ = read(descriptor, &bytes, MemoryLayout.size(ofValue: bytes))
    }
}
