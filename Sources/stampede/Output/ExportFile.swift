import Glibc

/// A file that has its name only when it is whole: until then it is written beside it.
final class ExportFile: Sendable {
    private let path: String
    private let descriptor: Int32
    private var partial: String { path + ".partial" }

    init(_ path: String) throws(Failure) {
        self.path = path
        descriptor = open(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ExportFile.failure("cannot write ‘\(path).partial’") }
    }

    deinit { close(descriptor) }

    func write(_ text: String) throws(Failure) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ExportFile.failure("cannot write ‘\(partial)’") }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Everything is written: the file gets its name.
    func finish() throws(Failure) {
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else {
            throw ExportFile.failure("cannot finish ‘\(path)’")
        }
    }

    private static func failure(_ words: String) -> Failure {
        Failure(.refused, "\(words): \(String(cString: strerror(errno)))")
    }
}
