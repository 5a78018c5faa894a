import Glibc

/// Small files that decide who is who. They are read only if nobody else could have read or changed them.
public enum SecretFile {
    /// Who may do what with the file.
    public enum Privacy: Sendable {
        /// Its owner alone reads it: it holds a secret.
        case ownerOnly
        /// Its owner alone writes it: whoever could write it decides who is let in.
        case ownerWrites
        case anybody
    }

    /// Longer files are refused, in bytes.
    public static let maximumSize = 4 << 20

    /// Reads a file as UTF-8.
    ///
    /// - Parameter what: the noun for sentences.
    public static func read(
        _ path: String, what: String, _ privacy: Privacy
    ) throws(SecurityError) -> String {
        // Not waiting at a pipe; a folder opens and then cannot be read.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, what) }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw unreadable(path, what) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw SecurityError("the \(what) ‘\(path)’ is not a file: check its path")
        }
        let mode = information.st_mode & 0o777
        switch privacy {
        case .ownerOnly where mode & 0o077 != 0:
            throw SecurityError("others may use the \(what) ‘\(path)’: run `chmod 600 \(path)`")
        case .ownerWrites where mode & 0o022 != 0:
            throw SecurityError("others may write the \(what) ‘\(path)’: run `chmod go-w \(path)`")
        case .ownerOnly, .ownerWrites, .anybody: break
        }
        guard information.st_size <= maximumSize else {
            throw SecurityError("the \(what) ‘\(path)’ is longer than 4 MiB: check its path")
        }
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size) + 1)
        var count = 0
        while count < bytes.count {
            let more = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            if more < 0 && errno == EINTR { continue }
            guard more >= 0 else { throw unreadable(path, what) }
            if more == 0 { break }
            count += more
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Reads a secret that is the one line of a file of its owner's, without the line's end.
    ///
    /// - Parameter what: the noun for sentences.
    public static func line(_ path: String, what: String) throws(SecurityError) -> String {
        var text = try read(path, what: what, .ownerOnly)[...]
        while text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty, !text.contains(where: \.isNewline) else {
            throw SecurityError("the \(what) ‘\(path)’ must hold one line, the secret: mend it")
        }
        return String(text)
    }

    /// Writes a new file. One that is there is never touched.
    public static func create(
        _ path: String, what: String, mode: UInt32, content: String
    ) throws(SecurityError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST {
                throw SecurityError(
                    "the \(what) ‘\(path)’ is there already: choose another name, or move it away first")
            }
            throw SecurityError(
                "the \(what) ‘\(path)’ cannot be written (\(String(cString: strerror(errno)))): check its folder"
            )
        }
        defer { close(descriptor) }
        let bytes = Array(content.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            unlink(path)
            throw SecurityError("the \(what) ‘\(path)’ cannot be written: is its disk full?")
        }
    }

    private static func unreadable(_ path: String, _ what: String) -> SecurityError {
        SecurityError(
            "the \(what) ‘\(path)’ cannot be read (\(String(cString: strerror(errno)))): check its path")
    }
}
