package import Wire

/// A client's session with this broker.
package struct ClientState {
    /// Identities are unique per socket only, and the two sides have a socket each.
    package struct Key: Hashable {
        package let identity: PeerIdentity
        /// On the workers' side: a worker that calls.
        let isWorker: Bool

        var port: Port { isWorker ? .workers : .clients }
    }

    package let key: Key
    package var lastSeen: MonotonicTime
    package var askedAt = MonotonicTime.distantPast
    package var calls = CallList()
    /// Of its calls, those that are streams, those that are parked, and the bytes that are kept of them.
    package var streams = 0
    package var parked = 0
    package var keptBytes = 0
    package var reading = ReadingProof()
    /// It does not read what it asks for: nothing of it is taken until it has gone.
    package var isMuted = false
}
