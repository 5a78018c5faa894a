import Logging
import Methods
import Sales
import Wire
import ZeroMQ

/// From the core's decisions to messages.
extension Broker {
    /// Does what the core decided.
    ///
    /// - Parameter callAtHand: the message at hand is the call that is to be sent: a call that comes in is sent once
    ///   if at all, and nothing else is with it. All other sends are of kept copies.
    func perform(callAtHand: Bool = false) {
        guard !core.effects.isEmpty else { return }
        var index = 0
        // Performing may add effects: a peer that cannot be reached is lost.
        while index < core.effects.count {
            perform(core.effects[index], callAtHand)
            index += 1
        }
        // One by one: there are one or two, and emptying an array at once costs more than that.
        while core.effects.popLast() != nil {}
        if !core.bodies.isEmpty { core.bodies.removeAll(keepingCapacity: true) }
    }

    private func perform(_ effect: Effect, _ callAtHand: Bool) {
        switch effect {
        case .send(let slot, let worker):
            send(slot, to: worker, callAtHand: callAtHand)
        case .keep(let slot):
            message.withBytes { kept.keep($0, in: slot) }
        case .forget(let slot):
            kept.forget(slot)
        case .deliver(let client, let callID, let certainty):
            deliver(to: client, callID: callID, certainty)
        case .refuse(let client, let callID, let verdict):
            refuse(client, callID, verdict)
        case .answerSelf(let client, let callID):
            answerSelf(client, callID)
        case .passToWorker(let slot, let sequence):
            pass(toWorkerOf: slot, sequence)
        case .passToCaller(let slot, let sequence):
            pass(toCallerOf: slot, sequence)
        case .item(let client, let callID, let sequence, let body):
            sendItem(to: client, callID, sequence, core.bodies[Int(body)])
        case .ask(let client, let number):
            guard let key = core.key(ofClient: client) else { return }
            var ping = Header(.ping)
            ping.callID = number
            sendHeader(ping, to: key.identity, at: key.port)
        case .cutOff(let client):
            guard let key = core.key(ofClient: client) else { return }
            logger.warning("Cut off a client that does not read what it asked for")
            sendHeader(Header(.goAway), to: key.identity, at: key.port)
        case .cancel(let worker, let id):
            guard let worker = core.workers[Int(worker)] else { return }
            var header = Header(.cancel)
            header.callID = id
            sendHeader(header, to: worker.identity, at: .workers)
        case .goAway(let peer):
            sendHeader(Header(.goAway), to: peer, at: .workers)
        case .workerJoined, .workerLost, .owned, .disowned:
            log(effect)
        }
    }

    private func send(_ slot: Int32, to worker: Int32, callAtHand: Bool) {
        guard let identity = core.identity(ofWorker: worker), core.table[slot].place == .inFlight,
            core.table[slot].worker == worker
        else { return }
        if callAtHand {
            handOver(&message, slot, to: worker, identity)
        } else {
            outgoing = kept.message(slot)
            handOver(&outgoing, slot, to: worker, identity)
        }
    }

    private func handOver(
        _ message: inout Message, _ slot: Int32, to worker: Int32, _ identity: PeerIdentity
    ) {
        let id = core.table.id(of: slot)
        let deadline = core.table[slot].deadline
        let left = deadline == .distantFuture ? 0 : max(1, (deadline - loop.now).milliseconds)
        // After a first hand-over the owner may already have its order; and the message may claim a priority that
        // the core did not grant.
        let (isRetry, priority) = (core.table[slot].isMaybe, core.table[slot].priority)
        let size = message.withMutableSpan { span in
            Header.readdress(
                &span, callID: id, milliseconds: UInt32(clamping: left), isRetry: isRetry, priority: priority)
            return span.count
        }
        core.workers[Int(worker)]!.reading.sent(size)
        depart(&message, to: identity, at: .workers, .call(id: id, worker: worker))
    }

    /// Passes the item or credit at hand on under the name that the receiver knows the call by.
    private func pass(toWorkerOf slot: Int32, _ sequence: UInt32) {
        let worker = core.table[slot].worker
        guard core.table[slot].place == .inFlight, let identity = core.identity(ofWorker: worker) else {
            return
        }
        let id = core.table.id(of: slot)
        let size = message.withMutableSpan { span in
            Header.readdress(&span, callID: id, sequence: sequence)
            return span.count
        }
        core.workers[Int(worker)]!.reading.sent(size)
        depart(&message, to: identity, at: .workers, .worker(worker))
    }

    private func pass(toCallerOf slot: Int32, _ sequence: UInt32) {
        guard core.table[slot].place == .inFlight else { return }
        let callID = core.table[slot].clientCallID
        message.withMutableSpan { Header.readdress(&$0, callID: callID, sequence: sequence) }
        send(&message, to: core.table[slot].client)
    }

    private func sendItem(to client: Int32, _ callID: UInt64, _ sequence: UInt32, _ body: [UInt8]) {
        var header = Header(.data)
        header.callID = callID
        header.sequence = sequence
        outgoing = Message(copying: Frame.encode(header, body: body))
        send(&outgoing, to: client)
    }

    private func deliver(to client: Int32, callID: UInt64, _ certainty: Certainty) {
        message.withMutableSpan { Header.readdress(&$0, callID: callID, certainty: certainty) }
        send(&message, to: client)
    }

    /// Sends a whole message to a client.
    func send(_ message: inout Message, to client: Int32) {
        guard let key = core.key(ofClient: client) else { return }
        core.sent(message.count, to: client)
        depart(&message, to: key.identity, at: key.port, .client(client))
    }

    func refuse(_ client: Int32, _ callID: UInt64, _ verdict: Verdict) {
        answer(client, failure(callID, verdict))
    }

    /// The header of a refusal; its body is left in the writer.
    func failure(_ callID: UInt64, _ verdict: Verdict) -> Header {
        var header = Header(.result)
        header.flags = .end
        header.callID = callID
        header.status = verdict.status
        header.certainty = verdict.certainty
        header.reason = verdict.reason
        header.milliseconds = UInt32(clamping: verdict.retryAfter.milliseconds)
        writer.removeAll()
        if verdict.body >= 0 {
            writer.raw(core.bodies[Int(verdict.body)])
        } else {
            FailureBody.encode(message: verdict.text, into: &writer)
        }
        return header
    }

    func sendBeats() {
        // A broker that was stopped for a while reads what its workers said meanwhile before it judges them.
        let now = loop.now
        writer.removeAll()
        core.beat(now).encode(into: &writer)
        var header = Header(.beat)
        header.callID = UInt64(bitPattern: now.nanoseconds)
        for index in core.workers.indices {
            guard let worker = core.workers[index] else { continue }
            core.askedWorker(index, now)
            outgoing = Message(header: header, body: writer)
            depart(&outgoing, to: worker.identity, at: .workers, .worker(Int32(index)))
        }
    }

    func sendHeader(_ header: Header, to peer: PeerIdentity, at port: Port) {
        writer.removeAll()
        outgoing = Message(header: header, body: writer)
        depart(&outgoing, to: peer, at: port, .nobody)
    }

    // MARK: Logging

    private func log(_ effect: Effect) {
        switch effect {
        case .workerJoined(let worker):
            logger.info("A worker joined", metadata: ["worker": "\(name(worker))"])
        case .workerLost(let worker):
            logger.warning("A worker was lost", metadata: ["worker": "\(name(worker))"])
        case .owned(let worker, let partition, let fence):
            logger.debug(
                "A partition has an owner",
                metadata: ["worker": "\(name(worker))", "partition": "\(partition)", "fence": "\(fence)"])
        case .disowned(let worker, let partition):
            logger.debug(
                "A partition was given up",
                metadata: ["worker": "\(name(worker))", "partition": "\(partition)"])
        case .send, .keep, .forget, .deliver, .refuse, .answerSelf, .passToWorker, .passToCaller, .item, .ask,
            .cutOff, .cancel, .goAway:
            break
        }
    }

    private func name(_ worker: Int32) -> String { core.workerNames[Int(worker)] }
}
