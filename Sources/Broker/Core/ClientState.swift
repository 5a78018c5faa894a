import Wire

/// A client's session with this broker.
struct ClientState {
    /// Identities are unique per socket only, and the two sides have a socket each.
    struct Key: Hashable {
        let identity: PeerIdentity
        /// On the workers' side: a worker that calls.
        let isWorker: Bool

        var port: Port { isWorker ? .workers : .clients }
    }

    let key: Key
    var lastSeen: MonotonicTime
    var askedAt = MonotonicTime.distantPast
    var calls = CallList()
    /// Of its calls, those that are streams, those that are parked, and the bytes that are kept of them.
    var streams = 0
    var parked = 0
    var keptBytes = 0
    var reading = ReadingProof()
    /// It does not read what it asks for: nothing of it is taken until it has gone.
    var isMuted = false
}
