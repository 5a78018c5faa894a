/// The keys of who connects: its own pair, and whom it expects at the other end.
public struct ConnectionKeys: Sendable, Equatable {
    /// The brokers' public key, the same for all brokers of a cluster.
    public let server: CurveKey
    public let own: CurveKeyPair

    public init(server: CurveKey, own: CurveKeyPair) {
        self.server = server
        self.own = own
    }

    /// Reads both.
    ///
    /// - Parameters:
    ///   - broker: the brokers' public key as text, or the path of a file with it.
    ///   - file: the path of the own `.key` file.
    public init(broker: String, file: String) throws(SecurityError) {
        self.init(server: try KeyFile.publicKey(broker), own: try KeyFile.load(file))
    }

    /// For a connection to an endpoint. Unix sockets have file permissions instead of keys.
    public func security(for endpoint: String) -> SocketSecurity {
        endpoint.hasPrefix("ipc://") ? .none : .curveClient(server: server, own: own)
    }
}
