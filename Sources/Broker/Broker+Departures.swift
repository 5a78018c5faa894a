import ZeroMQ

/// What leaves, and what cannot.
extension Broker {
    /// Sends a message at the end of the turn.
    func depart(
        _ message: inout Message, to identity: PeerIdentity, at port: Port,
        _ purpose: Outbox.Departure.Purpose
    ) {
        if outbox.isFull { flush() }
        outbox.append(
            &message,
            Outbox.Departure(identity: identity, port: port, purpose: purpose))
    }

    /// Sends all that was decided, and what follows from peers that cannot be reached.
    func flush() {
        while !outbox.isEmpty {
            swap(&outbox, &leaving)
            var failed: [Outbox.Departure] = []
            leaving.send(clients: clientSide, workers: workerSide) { failed.append($0) }
            for departure in failed { unsent(departure) }
        }
    }

    private func unsent(_ departure: Outbox.Departure) {
        switch departure.purpose {
        case .call(let slot, let id, let worker):
            guard core.identity(ofWorker: worker) == departure.identity else { return }
            if core.table.slot(of: id) == slot {
                core.unsendable(slot: slot, worker: worker, loop.now)
            } else {
                core.workerLost(worker, loop.now)
            }
        case .worker(let worker):
            guard core.identity(ofWorker: worker) == departure.identity else { return }
            core.workerLost(worker, loop.now)
        case .client(let client):
            guard core.key(ofClient: client)?.identity == departure.identity else { return }
            core.clientLost(client)
        case .nobody:
            return
        }
        perform()
    }
}
