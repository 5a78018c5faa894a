import Glibc
import Synchronization

/// The right to run the cluster of one folder. flock(2): the kernel takes it back when the process dies, so
/// a crash leaves nothing to clean up.
final class FolderLock: Sendable {
    private let descriptor: Int32
    private let isReleased = Atomic(false)

    init(_ path: String) throws(ClusterError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ClusterError(
                .folder,
                "The lock “\(path)” cannot be opened (\(errnoText)): choose a folder of your own with --data."
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let pid = Self.holder(descriptor)
            close(descriptor)
            throw ClusterError(
                .folderInUse,
                "A cluster already runs in this folder under process \(pid): stop that one first, or choose another "
                    + "folder with --data.")
        }
        ftruncate(descriptor, 0)
        let text = "\(getpid())\n"
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    deinit { release() }

    /// Gives the folder back. Does nothing the second time.
    func release() {
        if !isReleased.exchange(true, ordering: .relaxed) { close(descriptor) }
    }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(count, 0)).prefix { (48...57).contains($0) }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }
}

/// What went wrong in the system call just made, in words: strerror(3).
var errnoText: String { String(cString: strerror(errno)) }
