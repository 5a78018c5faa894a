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
            while let departure = outbox.takeFailed() { unsent(departure) }
        } while !outbox.isEmpty
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
