import Glibc

/// Stream sockets in the file system, unix(7).
enum UnixSocket {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func listen(at path: String) throws -> Int32 {
        let descriptor = try make()
        unlink(path)
        guard withAddress(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 64) == 0 else {
            defer { close(descriptor) }
            throw Failure(description: "cannot listen at \(path): errno \(errno)")
        }
        return descriptor
    }

    static func connect(to path: String) throws -> Int32 {
        let descriptor = try make()
        guard withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            defer { close(descriptor) }
            throw Failure(description: "cannot connect to \(path): errno \(errno)")
        }
        return descriptor
    }

    private static func make() throws -> Int32 {
        // Not for children: a server that another test starts just now would keep it.
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path), "too long: \(path)")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
