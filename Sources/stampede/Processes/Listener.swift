import Glibc

/// An endpoint that a broker is to listen at.
struct Listener {
    private let endpoint: String

    init(_ endpoint: String) { self.endpoint = endpoint }

    /// - Parameters:
    ///   - asksForKeys: whether TCP is for the holders of listed keys.
    ///   - isInsecure: whether TCP may be for anybody.
    func check(asksForKeys: Bool, isInsecure: Bool) throws(Failure) {
        if endpoint.hasPrefix("ipc://") {
            try checkPath()
        } else if endpoint.hasPrefix("tcp://") {
            try checkAddress()
            guard asksForKeys || isInsecure else {
                throw Failure(
                    .usage,
                    "‘\(endpoint)’ would let in anybody who reaches it: give --curve-key and --allow (`stampede "
                        + "keygen` makes keys), use a Unix socket, or add --insecure-tcp if that is what you want"
                )
            }
        } else {
            throw malformed
        }
    }

    private var malformed: Failure {
        Failure(.usage, "‘\(endpoint)’ is not an endpoint: write tcp://host:port or ipc:///path")
    }

    private func checkAddress() throws(Failure) {
        let address = endpoint.dropFirst("tcp://".count)
        guard let colon = address.lastIndex(of: ":"), colon != address.startIndex,
            UInt16(address[address.index(after: colon)...]) != nil
        else { throw malformed }
    }

    private func checkPath() throws(Failure) {
        let path = endpoint.dropFirst("ipc://".count)
        // unix(7): `sun_path` has 108 bytes, the last of which must be zero.
        guard path.hasPrefix("/"), path.utf8.count <= 107 else {
            throw Failure(
                .usage,
                "‘\(endpoint)’ is not an endpoint: write ipc:// and an absolute path of at most 107 bytes")
        }
        try checkFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) + "/")
    }

    /// The socket itself is made for its owner alone; but whoever may write its folder could put another in its
    /// place and be the broker.
    private func checkFolder(_ folder: String) throws(Failure) {
        var information = stat()
        // A folder that is missing is met when the socket is bound.
        guard stat(folder, &information) == 0 else { return }
        guard information.st_mode & 0o022 == 0 else {
            throw Failure(
                .usage,
                "others may write the folder of ‘\(endpoint)’ and so take the broker's place: use a folder of its "
                    + "own with mode 0700")
        }
        guard information.st_uid == geteuid() || information.st_uid == 0 else {
            throw Failure(
                .usage,
                "the folder of ‘\(endpoint)’ belongs to somebody else, who could take the broker's place: use "
                    + "a folder of your own with mode 0700")
        }
    }
}
