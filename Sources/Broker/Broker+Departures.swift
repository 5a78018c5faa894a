import ZeroMQ

/// What leaves, and what cannot.
extension Broker {
    /// Sends a message at the end of the turn.
    func depart(
        _ message: inout Message, to identity: PeerIdentity, at port: Port,
        _ purpose: Outbox.Departure.Purpose
    ) {
        // What follows from those that cannot leave waits for the turn's end: the core's effects are being performed.
        if outbox.isFull { outbox.send(clients: clientSide, workers: workerSide) }
        outbox.append(&message, Outbox.Departure(identity: identity, port: port, purpose: purpose))
    }

    /// Sends all that was decided, and what follows from peers that cannot be reached.
    func flush() {
        repeat {
            outbox.send(clients: clientSide, workers: workerSide)
            let failed = outbox.takeFailed()
            for departure in failed { unsent(departure, among: failed) }
        } while !outbox.isEmpty
    }

    private func unsent(_ departure: Outbox.Departure, among failed: [Outbox.Departure]) {
        switch departure.purpose {
        case .call(_, let worker), .worker(let worker):
            guard core.identity(ofWorker: worker) == departure.identity else { return }
            let calls = failed.compactMap { other -> UInt64? in
                guard case .call(let id, worker) = other.purpose, other.identity == departure.identity else {
                    return nil
                }
                return id
            }
            core.unsendable(calls, worker: worker, isGone: departure.isGone, loop.now)
        case .client(let client):
            guard core.key(ofClient: client)?.identity == departure.identity else { return }
            core.clientLost(client)
        case .nobody:
            return
        }
        perform()
    }
}
