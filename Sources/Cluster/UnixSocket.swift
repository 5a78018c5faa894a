import Glibc

/// Asks a server behind a Unix socket whether it serves, in as few bytes of its protocol as will do. The
/// cluster needs no client library for this.
package enum UnixSocket {
    /// A server that hangs up must not end us with SIGPIPE: send(2).
    private static let noSignal = Int32(MSG_NOSIGNAL)

    /// Whether somebody listens.
    static func accepts(_ path: String) -> Bool { connect(path) { _ in true } ?? false }

    /// Whether Redis answers PING. https://redis.io/docs/latest/develop/reference/protocol-spec
    static func answersPing(_ path: String) -> Bool {
        connect(path) { ask($0, Array("PING\r\n".utf8), count: 5) } == Array("+PONG".utf8)
    }

    /// Whether Postgres lets the user in: a start-up message is answered by `R` with code 0, trust, or by `E`
    /// while the server still starts. https://www.postgresql.org/docs/15/protocol-message-formats.html
    static func letsIn(_ path: String, user: String, database: String) -> Bool {
        let version: [UInt8] = [0, 3, 0, 0]
        let parameters = Array("user\0\(user)\0database\0\(database)\0\0".utf8)
        let length = UInt32(4 + version.count + parameters.count)
        let start = withUnsafeBytes(of: length.bigEndian) { Array($0) } + version + parameters
        let terminate: [UInt8] = [UInt8(ascii: "X"), 0, 0, 0, 4]
        let answer = connect(path) { descriptor in
            let answer = ask(descriptor, start, count: 9)
            _ = terminate.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, noSignal) }
            return answer
        }
        return answer == [UInt8(ascii: "R"), 0, 0, 0, 8, 0, 0, 0, 0]
    }

    /// Sends a text and returns the first lines of the answer, or fewer when none comes for a second.
    package static func exchange(_ path: String, _ text: String, lines: Int) -> [String] {
        connect(path) { descriptor in
            guard send(descriptor, text, text.utf8.count, noSignal) == text.utf8.count else { return [] }
            var answer: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while answer.count(where: { $0 == UInt8(ascii: "\n") }) < lines {
                let got = recv(descriptor, &buffer, buffer.count, 0)
                guard got > 0 else { break }
                answer += buffer.prefix(got)
            }
            return String(decoding: answer, as: UTF8.self).split(separator: "\r\n").map(String.init)
        } ?? []
    }

    private static func connect<R>(_ path: String, seconds: Int = 1, _ body: (Int32) -> R?) -> R? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // A server that was stopped by a signal accepts and never answers.
        limit(descriptor, seconds: seconds)
        return withAddress(path) { Glibc.connect(descriptor, $0, $1) } == 0 ? body(descriptor) : nil
    }

    private static func limit(_ descriptor: Int32, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count <= Layout.socketPathLimit, "the socket path \(path) is too long")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }

    /// Sends `bytes` and reads the first `count` bytes of the answer, or fewer when the server hangs up.
    private static func ask(_ descriptor: Int32, _ bytes: [UInt8], count: Int) -> [UInt8] {
        guard send(descriptor, bytes, bytes.count, noSignal) == bytes.count else { return [] }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: count)
        while answer.count < count {
            let got = recv(descriptor, &buffer, count - answer.count, 0)
            guard got > 0 else { break }
            answer += buffer.prefix(got)
        }
        return answer
    }

    // MARK: Lines

    /// The longest line that is read.
    private static let lineLimit = 16_384

    /// A socket that only its owner can connect to; nil with the reason in `errno`.
    static func listen(_ path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        guard withAddress(path, { bind(descriptor, $0, $1) }) == 0, chmod(path, 0o600) == 0,
            Glibc.listen(descriptor, 4) == 0
        else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Waits for the next caller, who must say all within a second; nil when the socket was shut down.
    static func accept(_ listener: Int32) -> Int32? {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            if descriptor >= 0 {
                // accept4(2) is not imported into Swift.
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                limit(descriptor, seconds: 1)
                return descriptor
            }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    /// A line without its end; nil when it does not come.
    static func readLine(_ descriptor: Int32) -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < lineLimit, recv(descriptor, &byte, 1, 0) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        _ = send(descriptor, bytes, bytes.count, noSignal)
    }

    /// Sends a line and waits for one.
    static func exchange(_ line: String, at path: String, seconds: Int) -> String? {
        connect(path, seconds: seconds) { descriptor in
            write(Array(line.utf8), to: descriptor)
            return readLine(descriptor)
        }
    }
}
