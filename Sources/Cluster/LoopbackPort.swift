import Glibc

/// Ports of this machine's own address, for those few processes that speak HTTP.
enum LoopbackPort {
    /// Below those that Linux gives to connections (ip(7), `ip_local_port_range`: from 32,768), so that no connection takes
    /// one while its process is being started again.
    private static let range: ClosedRange<UInt16> = 20_000...29_999
    private static let attempts = 100

    /// Ports, all different, that nobody listens at.
    static func free(_ count: Int) throws(ClusterError) -> [UInt16] {
        var ports: [UInt16] = []
        for _ in 0..<attempts where ports.count < count {
            let port = UInt16.random(in: range)
            if !ports.contains(port), isFree(port) { ports.append(port) }
        }
        guard ports.count == count else {
            throw ClusterError(
                .startFailed,
                "No free port was found from \(range.lowerBound) to \(range.upperBound) of 127.0.0.1.")
        }
        return ports
    }

    private static func isFree(_ port: UInt16) -> Bool {
        with(port) { descriptor, address in
            // Connections of a process that has ended may linger, and are in nobody's way: socket(7).
            var reuse: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
            return bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                && listen(descriptor, 1) == 0
        }
    }

    /// Whether somebody listens at a port.
    static func accepts(_ port: UInt16) -> Bool {
        with(port) { connect($0, $1, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
    }

    private static func with(_ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>) -> Bool) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0) }
        }
    }
}
