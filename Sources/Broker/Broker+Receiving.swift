import Logging
import Methods
import Wire
import ZeroMQ

/// From the sockets to the core.
extension Broker {
    /// What one socket's messages may take of a turn. Nearly all take microseconds; a few look at every worker. The
    /// clock is read now and then.
    private static let timePerTurn = TimeAmount.milliseconds(4)

    func receiveFromClients() { receive(clientSide) { handleClientMessage(from: $0) } }
    func receiveFromWorkers() { receive(workerSide) { handleWorkerMessage(from: $0) } }

    @inline(__always)
    private func receive(_ side: SideSocket, _ handle: (PeerIdentity) -> Void) {
        let start = MonotonicTime.now()
        for number in 0..<side.turnSize.value {
            if number & 31 == 31, .now() - start > Broker.timePerTurn { return loop.continueSoon() }
            guard let framing = side.socket.receive(from: &identity, into: &message) else {
                return side.turnSize.wasEnough()
            }
            guard framing == .single, let peer = identity.withBytes({ PeerIdentity($0) }) else {
                core.counters.malformed += 1
                continue
            }
            handle(peer)
            perform()
        }
        side.turnSize.wasTooSmall()
        loop.continueSoon()
    }

    private func handleClientMessage(from peer: PeerIdentity) {
        let now = loop.now
        guard var header = decodeHeader() else {
            core.counters.malformed += 1
            return
        }
        guard permits(header, of: peer, at: .clients) else { return }
        guard let client = core.client(peer, now) else {
            return turnAway(peer, header, Broker.noRoom, at: .clients)
        }
        if core.clients[Int(client)]!.isMuted {
            // Nothing of it is taken but the proof of what it has read meanwhile.
            if header.kind == .pong { core.pong(header.callID, from: client) }
            return
        }
        switch header.kind {
        case .call:
            // The system's own priority is not for clients to take.
            header.priority = min(header.priority, .high)
            receiveCall(header, from: client)
        case .data:
            core.callerSends(header, size: message.count, from: client, now)
        case .credit:
            core.callerAllows(header, from: client, now)
        case .cancel:
            core.cancel(header.callID, from: client)
        case .ping:
            sendPong(header, to: peer, at: .clients)
        case .pong:
            core.pong(header.callID, from: client)
        case .goAway, .result, .returned, .ready, .beat, .own, .disown, .drain, .describe:
            core.counters.malformed += 1
        }
    }

    private func receiveCall(_ header: Header, from client: Int32) {
        guard header.callID != 0 else {
            core.counters.malformed += 1
            return
        }
        core.call(header, size: message.count, from: client, loop.now)
        perform(callAtHand: true)
    }

    private static let noRoom = Verdict(
        status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded, retryAfter: .seconds(1))

    /// Answers a call that does not get to the core, so that its caller need not wait for the deadline.
    func turnAway(_ peer: PeerIdentity, _ call: Header, _ verdict: Verdict, at port: Port) {
        guard call.kind == .call, call.callID != 0 else { return }
        let header = failure(call.callID, verdict)
        outgoing = Message(header: header, body: writer)
        depart(&outgoing, to: peer, at: port, .nobody)
    }

    private func handleWorkerMessage(from peer: PeerIdentity) {
        do throws(WireError) {
            guard let header = decodeHeader() else {
                core.counters.malformed += 1
                return
            }
            try handleWorkerMessage(header, from: peer)
        } catch {
            core.counters.malformed += 1
            logger.warning("Dropped a malformed message of a worker", metadata: ["error": "\(error)"])
        }
    }

    private func handleWorkerMessage(_ header: Header, from peer: PeerIdentity) throws(WireError) {
        guard permits(header, of: peer, at: .workers) else { return }
        let now = loop.now
        if header.kind == .ready {
            let ready = try body(of: header, as: Ready.self)
            if !core.ready(ready, from: peer, now) {
                logger.error(
                    "Refused a worker: its partitions or hash differ from this cluster's, or there are too many",
                    metadata: ["worker": "\(ready.name)"])
                sendHeader(Header(.goAway), to: peer, at: .workers)
            }
            return
        }
        guard let worker = core.worker(peer, now) else { return }
        let stamp = MonotonicTime(nanoseconds: Int64(truncatingIfNeeded: header.callID))
        switch header.kind {
        case .result:
            core.result(header, from: worker, now)
        case .data:
            core.workerSends(header, from: worker)
        case .credit:
            core.workerAllows(header, from: worker)
        case .describe:
            core.describe(try body(of: header, as: MethodDescription.self), from: worker)
        case .returned:
            core.returned(header, from: worker, now)
        case .beat:
            core.beat(try body(of: header, as: WorkerBeat.self), stamp: stamp, from: worker, now)
        case .own:
            core.own(try body(of: header, as: Own.self), stamp: stamp, from: worker, now)
        case .disown:
            core.disown(try body(of: header, as: Disown.self), from: worker, now)
        case .drain:
            core.drain(worker)
        case .goAway:
            core.workerLost(worker, now)
        case .call:
            guard let client = core.client(peer, isWorker: true, now) else { return }
            receiveCall(header, from: client)
        case .ping:
            sendPong(header, to: peer, at: .workers)
        case .pong, .cancel, .ready:
            core.counters.malformed += 1
        }
    }

    private func sendPong(_ ping: Header, to peer: PeerIdentity, at port: Port) {
        var pong = Header(.pong)
        pong.callID = ping.callID
        sendHeader(pong, to: peer, at: port)
    }

    func decodeHeader() -> Header? {
        message.withBytes { bytes in try? Header(decoding: bytes) }
    }

    func body<Body: MessageBody>(of header: Header, as: Body.Type) throws(WireError) -> Body {
        try message.withBytes { bytes throws(WireError) in
            try Frame.decodeBody(bytes, header: header, as: Body.self)
        }
    }
}
