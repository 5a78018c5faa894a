import Broker
import Methods
import Sales
import Wire
import Workers

/// A broker's core, with what its shell does for it: sessions, kept copies, beats.
final class BrokerProcess: Process {
    let index: Int
    private(set) var core: BrokerCore
    private var pipes: [PeerIdentity: Pipe] = [:]
    /// Copies of calls that wait, or may have to be sent again.
    private var kept: [Int32: Message] = [:]
    /// The message that is being handled.
    private var atHand = Message(header: Header(.ping))
    /// Calls that could not leave in this turn, by worker.
    private var unsent: [(worker: Int32, identity: PeerIdentity, call: UInt64?)] = []

    init(_ index: Int, _ world: World) {
        self.index = index
        // Replaced when it begins: its clock is not known before.
        core = BrokerCore(configuration: BrokerConfiguration(name: ""), now: .distantPast)
        super.init("broker-\(index + 1)", world)
    }

    override func begin() {
        var configuration = BrokerConfiguration(
            name: name, leaseTTL: .milliseconds(world.scenario.leaseTTL))
        // A table of the usual size would cost more than the run.
        configuration.maximumCalls = 512
        configuration.maximumStreams = 16
        configuration.maximumCallsPerClient = 256
        configuration.maximumParked = 128
        configuration.secret = UInt64(index) + 1
        core = BrokerCore(configuration: configuration, now: now)
        every(.milliseconds(10)) { [self] in
            core.tick(now)
            perform()
        }
        every(configuration.beatInterval) { [self] in sendBeats() }
    }

    override func ended() {
        if core.table.count > 0 { world.judge.note(.brokerDiedWithCalls) }
        for pipe in pipes.values { pipe.close() }
        (pipes, kept, unsent) = ([:], [:], [])
    }

    func owner(of partition: Int) -> String? {
        guard core.partitions.indices.contains(partition), core.partitions[partition].owner >= 0 else {
            return nil
        }
        return core.workers[Int(core.partitions[partition].owner)]?.name
    }

    // MARK: Sessions

    /// Somebody connects, if the broker is there.
    func accept(_ pipe: Pipe, isWorker: Bool) {
        pipes[pipe.identity] = pipe
        pipe.onServer = { [unowned self, unowned pipe] in
            if isWorker { receiveFromWorker($0, pipe) } else { receiveFromClient($0, pipe) }
        }
    }

    private func receiveFromClient(_ message: Message, _ pipe: Pipe) {
        guard let client = core.client(pipe.identity, now) else { return }
        atHand = message
        switch message.header.kind {
        case .call:
            var header = message.header
            header.priority = min(header.priority, .high)
            core.call(header, size: 100, from: client, now)
            perform(callAtHand: true)
        case .cancel:
            core.cancel(message.header.callID, from: client)
            perform()
        default:
            break
        }
    }

    private func receiveFromWorker(_ message: Message, _ pipe: Pipe) {
        atHand = message
        let header = message.header
        if case .ready(let ready) = message.body {
            guard core.ready(ready, from: pipe.identity, now) else {
                return world.judge.violate(.design, "\(name) refused \(ready.name)")
            }
            return perform()
        }
        defer { perform() }
        guard let worker = core.worker(pipe.identity, now) else { return }
        let stamp = MonotonicTime(nanoseconds: Int64(truncatingIfNeeded: header.callID))
        switch (header.kind, message.body) {
        case (.result, _): core.result(header, from: worker, now)
        case (.returned, _): core.returned(header, from: worker, now)
        case (.drain, _): core.drain(worker)
        case (.ping, _):
            var pong = Header(.pong)
            pong.callID = header.callID
            _ = pipe.sendToClient(Message(header: pong))
        case (_, .workerBeat(let beat)): core.beat(beat, stamp: stamp, from: worker, now)
        case (_, .own(let own)): core.own(own, stamp: stamp, from: worker, now)
        case (_, .disown(let disown)): core.disown(disown, from: worker, now)
        case (.call, .yield):
            guard let client = core.client(pipe.identity, isWorker: true, now) else { return }
            core.call(header, size: 100, from: client, now)
            perform(callAtHand: true)
        default: break
        }
    }

    private func sendBeats() {
        let beat = core.beat(now)
        var header = Header(.beat)
        header.callID = UInt64(bitPattern: now.nanoseconds)
        for index in core.workers.indices {
            guard let worker = core.workers[index] else { continue }
            core.askedWorker(index, now)
            send(
                Message(header: header, body: .brokerBeat(beat)), toWorker: Int32(index), worker.identity, nil
            )
        }
    }

    // MARK: Effects

    private func perform(callAtHand: Bool = false) {
        var index = 0
        while index < core.effects.count {
            perform(core.effects[index], callAtHand)
            index += 1
        }
        core.effects.removeAll(keepingCapacity: true)
        core.bodies.removeAll(keepingCapacity: true)
    }

    private func perform(_ effect: Effect, _ callAtHand: Bool) {
        switch effect {
        case .send(let slot, let worker):
            handOver(slot, to: worker, callAtHand)
        case .keep(let slot):
            kept[slot] = atHand
        case .forget(let slot):
            kept[slot] = nil
        case .deliver(let client, let callID, let certainty):
            var message = atHand
            message.header.callID = callID
            message.header.certainty = certainty
            send(message, toClient: client)
        case .refuse(let client, let callID, let verdict):
            refuse(client, callID, verdict)
        case .cancel(let worker, let id):
            guard let identity = core.identity(ofWorker: worker) else { return }
            var header = Header(.cancel)
            header.callID = id
            _ = pipes[identity]?.sendToClient(Message(header: header))
        case .goAway(let identity):
            _ = pipes[identity]?.sendToClient(Message(header: Header(.goAway)))
        case .owned(_, let partition, let fence):
            world.trace(partition.rawValue, fence.rawValue, index)
        case .cutOff(let client):
            guard let key = core.key(ofClient: client) else { return }
            _ = pipes[key.identity]?.sendToClient(Message(header: Header(.goAway)))
        case .ask(let client, let number):
            core.pong(number, from: client)
        case .answerSelf, .passToWorker, .passToCaller, .item, .workerJoined, .workerLost, .disowned:
            break
        }
    }

    private func handOver(_ slot: Int32, to worker: Int32, _ callAtHand: Bool) {
        guard let identity = core.identity(ofWorker: worker), core.table[slot].place == .inFlight,
            core.table[slot].worker == worker, var message = callAtHand ? atHand : kept[slot]
        else { return }
        let id = core.table.id(of: slot)
        message.header.callID = id
        let deadline = core.table[slot].deadline
        message.header.milliseconds =
            deadline == .distantFuture ? 0 : UInt32(clamping: max(1, (deadline - now).milliseconds))
        if core.table[slot].isMaybe {
            message.header.flags.insert(.retry)
            world.judge.note(.callSentAgain)
        }
        send(message, toWorker: worker, identity, id)
    }

    private func send(_ message: Message, toWorker worker: Int32, _ identity: PeerIdentity, _ call: UInt64?) {
        if pipes[identity]?.sendToClient(message) != true { unsent.append((worker, identity, call)) }
    }

    private func send(_ message: Message, toClient client: Int32) {
        guard let key = core.key(ofClient: client) else { return }
        if pipes[key.identity]?.sendToClient(message) != true { pipes[key.identity] = nil }
    }

    private func refuse(_ client: Int32, _ callID: UInt64, _ verdict: Verdict) {
        var header = Header(.result)
        header.flags = .end
        header.callID = callID
        header.status = verdict.status
        header.certainty = verdict.certainty
        header.reason = verdict.reason
        header.milliseconds = UInt32(clamping: verdict.retryAfter.milliseconds)
        if verdict.reason == .soldOut, case .ask(.place(let place)) = atHand.body {
            world.judge.gateSaidSoldOut(place.sale, by: self)
        }
        send(Message(header: header), toClient: client)
    }

    /// What follows from what could not leave, as `Broker.flush` has it.
    override func endTurn() {
        while !unsent.isEmpty {
            let failed = unsent
            unsent = []
            for failure in failed where core.identity(ofWorker: failure.worker) == failure.identity {
                let calls = failed.compactMap { $0.identity == failure.identity ? $0.call : nil }
                core.unsendable(calls, worker: failure.worker, now)
                pipes[failure.identity] = nil
                perform()
            }
        }
    }
}
