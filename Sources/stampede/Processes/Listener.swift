/// An endpoint that a broker is to listen at.
struct Listener {
    private let endpoint: String

    init(_ endpoint: String) { self.endpoint = endpoint }

    /// - Parameter isOpen: whether TCP may be heard beyond this machine.
    func check(isOpen: Bool) throws(Failure) {
        if endpoint.hasPrefix("ipc://") {
            try checkPath()
        } else if endpoint.hasPrefix("tcp://") {
            try checkHost(isOpen: isOpen)
        } else {
            throw malformed
        }
    }

    private var malformed: Failure {
        Failure(.usage, "‘\(endpoint)’ is not an endpoint: write tcp://host:port or ipc:///path")
    }

    /// Until clients prove who they are, TCP is for this machine only.
    private func checkHost(isOpen: Bool) throws(Failure) {
        let address = endpoint.dropFirst("tcp://".count)
        guard let colon = address.lastIndex(of: ":"), colon != address.startIndex,
            UInt16(address[address.index(after: colon)...]) != nil
        else { throw malformed }
        let host = address[..<colon]
        // RFC 1122 §3.2.1.3 and RFC 4291 §2.5.3.
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        let isLoopback =
            host == "[::1]" || (octets.count == 4 && octets[0] == 127 && !octets.contains(nil))
        guard isLoopback || isOpen else {
            throw Failure(
                .usage,
                "‘\(endpoint)’ may be reached from other machines, and nobody is asked who they are: listen "
                    + "at 127.0.0.1 or a Unix socket, or add --allow-unauthenticated-tcp in a network of your own"
            )
        }
    }

    private func checkPath() throws(Failure) {
        let path = endpoint.dropFirst("ipc://".count)
        // unix(7): `sun_path` has 108 bytes, the last of which must be zero.
        guard path.hasPrefix("/"), path.utf8.count <= 107 else {
            throw Failure(
                .usage,
                "‘\(endpoint)’ is not an endpoint: write ipc:// and an absolute path of at most 107 bytes")
        }
    }
}
