public import Logging
import Methods
import Sales
import Wire
public import ZeroMQ

/// A broker: two ROUTER sockets, one core, one thread. Holds nothing that its death could lose.
public final class Broker {
    let loop: EventLoop
    let context: Context
    private let logger: Logger
    private let heldCore: ThreadBound<BrokerCore>
    private let heldKept: ThreadBound<KeptMessages>
    let clientSide: SideSocket
    let workerSide: SideSocket
    /// Asks for keys at TCP endpoints; without one nobody is asked.
    let doorkeeper: Doorkeeper?
    /// The self-test has shown that strangers are turned away.
    var isTested = false
    /// Kept for as long as the sockets: nobody may bind the same files meanwhile.
    private let locks: [HeldLock]
    private var writer = MessagePackWriter()
    /// Used for every receive: nothing is made per message.
    private let heldIdentity = ThreadBound(Message())
    private let heldMessage = ThreadBound(Message())
    private let heldOutgoing = ThreadBound(Message())
    private let heldOutbox = ThreadBound(Outbox())
    /// The other of two that change places: while one is sent, what that leads to goes into the other.
    private let heldLeaving = ThreadBound(Outbox())

    /// Messages read from one socket before the other gets its turn.
    private static let drainLimit = 256

    /// Where the broker listens, as bound.
    public let clientEndpoints: [String]
    public let workerEndpoints: [String]

    /// Binds both sides. Call `start()` before running the loop.
    ///
    /// - Parameter doorkeeper: of the same context. Without one, whoever reaches a TCP endpoint is let in.
    /// - Throws: `isAddressInUse` when another broker listens on one of the endpoints, ipc files included.
    public init(
        configuration: BrokerConfiguration, clients: [String], workers: [String], context: Context,
        loop: EventLoop, logger: Logger, doorkeeper: Doorkeeper? = nil
    ) throws(ZeroMQError) {
        self.loop = loop
        self.context = context
        self.doorkeeper = doorkeeper
        self.logger = logger
        var configuration = configuration
        if configuration.secret == 0 { configuration.secret = .random(in: 1 ... .max) }
        heldCore = ThreadBound(BrokerCore(configuration: configuration, now: .now()))
        heldKept = ThreadBound(KeptMessages(capacity: configuration.maximumCalls))
        var options = SocketOptions()
        options.maximumMessageSize = Limits.messageSize
        clientSide = SideSocket(socket: try Socket(.router, in: context, options: options))
        workerSide = SideSocket(socket: try Socket(.router, in: context, options: options))
        var locks: [HeldLock] = []
        for endpoint in clients + workers {
            if let lock = try EndpointLock(endpoint) { locks.append(HeldLock(lock)) }
        }
        self.locks = locks
        clientEndpoints = try Broker.bind(clients, as: .clients, clientSide.socket, doorkeeper)
        workerEndpoints = try Broker.bind(workers, as: .workers, workerSide.socket, doorkeeper)
    }

    /// Puts the broker on its loop.
    public func start() {
        precondition(doorkeeper == nil || isTested, "a broker with keys starts after its selfTest()")
        loop.watch(clientSide.socket) { [unowned self] in receiveFromClients() }
        loop.watch(workerSide.socket) { [unowned self] in receiveFromWorkers() }
        loop.schedule(every: .milliseconds(10)) { [unowned self] in
            core.tick(loop.now)
            perform()
        }
        loop.schedule(every: core.configuration.beatInterval) { [unowned self] in sendBeats() }
        loop.atTurnEnd { [unowned self] in flush() }
    }

    /// Tells every peer to go elsewhere. What is in flight ends as if the broker had died: nothing is lost by it.
    public func sayGoodbye() {
        for case let client? in core.clients where !client.key.isWorker {
            sendHeader(Header(.goAway), to: client.key.identity, on: clientSide)
        }
        for case let worker? in core.workers {
            sendHeader(Header(.goAway), to: worker.identity, on: workerSide)
        }
    }

    // MARK: State

    var core: BrokerCore {
        _read { yield heldCore.value }
        _modify { yield &heldCore.value }
    }
    private var kept: KeptMessages {
        _read { yield heldKept.value }
        _modify { yield &heldKept.value }
    }
    private var identity: Message {
        _read { yield heldIdentity.value }
        _modify { yield &heldIdentity.value }
    }
    /// The message that is being handled.
    var message: Message {
        _read { yield heldMessage.value }
        _modify { yield &heldMessage.value }
    }
    var outgoing: Message {
        _read { yield heldOutgoing.value }
        _modify { yield &heldOutgoing.value }
    }
    private var outbox: Outbox {
        _read { yield heldOutbox.value }
        _modify { yield &heldOutbox.value }
    }
    private var leaving: Outbox {
        _read { yield heldLeaving.value }
        _modify { yield &heldLeaving.value }
    }

    // MARK: Receiving

    private func receiveFromClients() {
        for _ in 0..<Broker.drainLimit {
            guard let framing = clientSide.socket.receive(from: &identity, into: &message) else { return }
            guard framing == .single, let peer = identity.withBytes({ PeerIdentity($0) }) else {
                core.counters.malformed += 1
                continue
            }
            handleClientMessage(from: peer)
            perform()
        }
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
            return turnAway(peer, header, Broker.noRoom, on: clientSide)
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
            perform(incoming: header)
        case .credit:
            core.callerAllows(header, from: client, now)
            perform(incoming: header)
        case .cancel:
            core.cancel(header.callID, from: client)
        case .ping:
            var pong = Header(.pong)
            pong.callID = header.callID
            sendHeader(pong, to: peer, on: clientSide)
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
        perform(incoming: header)
    }

    private static let noRoom = Verdict(
        status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded, retryAfter: .seconds(1))

    /// Answers a call that does not get to the core, so that its caller need not wait for the deadline.
    func turnAway(_ peer: PeerIdentity, _ call: Header, _ verdict: Verdict, on side: SideSocket) {
        guard call.kind == .call, call.callID != 0 else { return }
        let header = failure(call.callID, verdict)
        outgoing = Message(header: header, body: writer)
        depart(&outgoing, to: peer, on: side, .nobody)
    }

    private func receiveFromWorkers() {
        for _ in 0..<Broker.drainLimit {
            guard let framing = workerSide.socket.receive(from: &identity, into: &message) else { return }
            guard framing == .single, let peer = identity.withBytes({ PeerIdentity($0) }) else {
                core.counters.malformed += 1
                continue
            }
            do throws(WireError) {
                guard let header = decodeHeader() else {
                    core.counters.malformed += 1
                    continue
                }
                try handleWorkerMessage(header, from: peer)
            } catch {
                core.counters.malformed += 1
                logger.warning("Dropped a malformed message of a worker", metadata: ["error": "\(error)"])
            }
            perform()
        }
        loop.continueSoon()
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
                sendHeader(Header(.goAway), to: peer, on: workerSide)
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
            perform(incoming: header)
        case .credit:
            core.workerAllows(header, from: worker)
            perform(incoming: header)
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
        case .ping, .pong, .cancel, .ready:
            core.counters.malformed += 1
        }
    }

    private func decodeHeader() -> Header? {
        message.withBytes { bytes in try? Header(decoding: bytes) }
    }

    private func body<Body: MessageBody>(of header: Header, as: Body.Type) throws(WireError) -> Body {
        try message.withBytes { bytes throws(WireError) in
            try Frame.decodeBody(bytes, header: header, as: Body.self)
        }
    }

    // MARK: Performing

    /// Does what the core decided. `incoming` is the header of a call that just came in: its message is the one
    /// to send and keep; all other sends are of kept copies.
    func perform(incoming: Header? = nil) {
        var index = 0
        // Performing may add effects: a peer that cannot be reached is lost.
        while index < core.effects.count {
            perform(core.effects[index], incoming)
            index += 1
        }
        core.effects.removeAll(keepingCapacity: true)
        if !core.bodies.isEmpty { core.bodies.removeAll(keepingCapacity: true) }
    }

    private func perform(_ effect: Effect, _ incoming: Header?) {
        switch effect {
        case .send(let slot, let worker):
            send(slot, to: worker, incoming)
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
            pass(slot, sequence, toWorker: incoming)
        case .passToCaller(let slot, let sequence):
            pass(slot, sequence, toCaller: incoming)
        case .item(let client, let callID, let sequence, let body):
            sendItem(to: client, callID, sequence, core.bodies[Int(body)])
        case .ask(let client, let number):
            guard let key = core.key(ofClient: client) else { return }
            var ping = Header(.ping)
            ping.callID = number
            sendHeader(ping, to: key.identity, on: key.isWorker ? workerSide : clientSide)
        case .cutOff(let client):
            guard let key = core.key(ofClient: client) else { return }
            logger.warning("Cut off a client that does not read what it asked for")
            sendHeader(Header(.goAway), to: key.identity, on: key.isWorker ? workerSide : clientSide)
        case .cancel(let worker, let id):
            guard let worker = core.workers[Int(worker)] else { return }
            var header = Header(.cancel)
            header.callID = id
            sendHeader(header, to: worker.identity, on: workerSide)
        case .goAway(let peer):
            sendHeader(Header(.goAway), to: peer, on: workerSide)
        case .workerJoined, .workerLost, .owned, .disowned:
            log(effect)
        }
    }

    private func send(_ slot: Int32, to worker: Int32, _ incoming: Header?) {
        guard let identity = core.identity(ofWorker: worker), core.table[slot].place == .inFlight,
            core.table[slot].worker == worker
        else { return }
        let id = core.table.id(of: slot)
        let deadline = core.table[slot].deadline
        let left = deadline == .distantFuture ? 0 : max(1, (deadline - loop.now).milliseconds)
        if var header = incoming {
            patch(&header, id: id, left: left)
            core.workers[Int(worker)]!.reading.sent(message.count)
            message.withMutableSpan { header.encode(into: &$0) }
            depart(&message, to: identity, on: workerSide, .call(slot: slot, id: id, worker: worker))
        } else {
            outgoing = kept.message(slot)
            guard var header = outgoing.withBytes({ try? Header(decoding: $0) }) else { return }
            // A second hand-over of the same call: the owner may already have its order.
            if core.table[slot].isMaybe { header.flags.insert(.retry) }
            // The copy is as it came in, and may claim what the core did not grant.
            header.priority = core.table[slot].priority
            patch(&header, id: id, left: left)
            core.workers[Int(worker)]!.reading.sent(outgoing.count)
            outgoing.withMutableSpan { header.encode(into: &$0) }
            depart(&outgoing, to: identity, on: workerSide, .call(slot: slot, id: id, worker: worker))
        }
    }

    /// Passes an item or credit on under the name that the receiver knows the call by.
    private func pass(_ slot: Int32, _ sequence: UInt32, toWorker incoming: Header?) {
        let worker = core.table[slot].worker
        guard var header = incoming, core.table[slot].place == .inFlight,
            let identity = core.identity(ofWorker: worker)
        else { return }
        header.callID = core.table.id(of: slot)
        header.sequence = sequence
        core.workers[Int(worker)]!.reading.sent(message.count)
        message.withMutableSpan { header.encode(into: &$0) }
        depart(&message, to: identity, on: workerSide, .worker(worker))
    }

    private func pass(_ slot: Int32, _ sequence: UInt32, toCaller incoming: Header?) {
        guard var header = incoming, core.table[slot].place == .inFlight else { return }
        header.callID = core.table[slot].clientCallID
        header.sequence = sequence
        message.withMutableSpan { header.encode(into: &$0) }
        send(&message, to: core.table[slot].client)
    }

    private func sendItem(to client: Int32, _ callID: UInt64, _ sequence: UInt32, _ body: [UInt8]) {
        var header = Header(.data)
        header.callID = callID
        header.sequence = sequence
        outgoing = Message(copying: Frame.encode(header, body: body))
        send(&outgoing, to: client)
    }

    private func patch(_ header: inout Header, id: UInt64, left: Int64) {
        header.callID = id
        header.milliseconds = UInt32(clamping: left)
    }

    private func deliver(to client: Int32, callID: UInt64, _ certainty: Certainty) {
        guard var header = decodeHeader() else { return }
        header.callID = callID
        header.certainty = certainty
        message.withMutableSpan { header.encode(into: &$0) }
        send(&message, to: client)
    }

    /// Sends a whole message to a client.
    func send(_ message: inout Message, to client: Int32) {
        guard let key = core.key(ofClient: client) else { return }
        core.sent(message.count, to: client)
        depart(&message, to: key.identity, on: key.isWorker ? workerSide : clientSide, .client(client))
    }

    // MARK: Leaving

    /// Sends a message at the end of the turn.
    private func depart(
        _ message: inout Message, to identity: PeerIdentity, on side: SideSocket,
        _ purpose: Outbox.Departure.Purpose
    ) {
        if outbox.isFull { flush() }
        outbox.append(
            &message,
            Outbox.Departure(identity: identity, isForWorkers: side === workerSide, purpose: purpose))
    }

    /// Sends all that was decided, and what follows from peers that cannot be reached.
    private func flush() {
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

    private func refuse(_ client: Int32, _ callID: UInt64, _ verdict: Verdict) {
        answer(client, failure(callID, verdict))
    }

    /// The header of a refusal; its body is left in the writer.
    private func failure(_ callID: UInt64, _ verdict: Verdict) -> Header {
        var header = Header(.result)
        header.flags = .end
        header.callID = callID
        header.status = verdict.status
        header.certainty = verdict.certainty
        header.reason = verdict.reason
        header.milliseconds = UInt32(clamping: verdict.retryAfter.milliseconds)
        writer.removeAll()
        FailureBody.encode(message: verdict.text, into: &writer)
        return header
    }

    // MARK: The broker's own methods

    /// Answers the call that came in.
    private func answerSelf(_ client: Int32, _ callID: UInt64) {
        guard let header = decodeHeader() else { return }
        do throws(WireError) {
            switch header.method {
            case SystemMethods.brokerStatus.id: sendStatus(to: client, callID)
            case HealthMethods.check.id:
                answer(client, callID, core.health(of: try body(of: header, as: HealthCheck.self).service))
            case HealthMethods.watch.id:
                guard header.flags.contains(.stream) else {
                    throw WireError(.badValue, at: 3, field: "flags")
                }
                let service = try body(of: header, as: HealthCheck.self).service
                guard service?.utf8.count ?? 0 <= Limits.nameLength else {
                    throw WireError(.badValue, at: Header.size, field: "service")
                }
                core.watch(service, header, from: client, loop.now)
            case ReflectionMethods.list.id: sendMethods(to: client, callID)
            case ReflectionMethods.describe.id:
                try describe(try body(of: header, as: DescribeMethod.self).method, to: client, callID)
            default: preconditionFailure("a method of the broker's own that it does not answer")
            }
        } catch {
            core.refuse(
                client, callID,
                Verdict(status: .invalidArgument, certainty: .notExecuted, reason: .malformed))
        }
    }

    private func answer(_ client: Int32, _ callID: UInt64, _ body: some MessageBody) {
        writer.removeAll()
        body.encode(into: &writer)
        answer(client, okHeader(callID))
    }

    private func okHeader(_ callID: UInt64) -> Header {
        var header = Header(.result)
        header.flags = .end
        header.callID = callID
        return header
    }

    private func sendMethods(to client: Int32, _ callID: UInt64) {
        var list = MethodList(methods: core.catalog.list)
        writer.removeAll()
        list.encode(into: &writer)
        while writer.bytes.count > Limits.messageSize - Header.size {
            // The words go first: a name is enough to ask for more.
            for index in list.methods.indices { list.methods[index].about = "" }
            if list.methods.count > 256 { list.methods.removeLast(list.methods.count / 4) }
            writer.removeAll()
            list.encode(into: &writer)
        }
        answer(client, okHeader(callID))
    }

    private func describe(_ method: String, to client: Int32, _ callID: UInt64) throws(WireError) {
        guard let description = core.catalog.description(of: method) else {
            return core.refuse(
                client, callID,
                Verdict(status: .notFound, certainty: .notExecuted, reason: .unknownMethod))
        }
        writer.removeAll()
        writer.raw(description)
        answer(client, okHeader(callID))
    }

    private func sendStatus(to client: Int32, _ callID: UInt64) {
        var status = core.status(loop.now)
        writer.removeAll()
        status.encode(into: &writer)
        // A longer message would end the asker's connection; the longest lists are cut until it fits.
        while writer.bytes.count > Limits.messageSize - Header.size {
            status.halveLongestList()
            writer.removeAll()
            status.encode(into: &writer)
        }
        answer(client, okHeader(callID))
    }

    /// Sends a header and the writer's content to a client.
    private func answer(_ client: Int32, _ header: Header) {
        outgoing = Message(header: header, body: writer)
        send(&outgoing, to: client)
    }

    private func sendBeats() {
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
            depart(&outgoing, to: worker.identity, on: workerSide, .worker(Int32(index)))
        }
    }

    func sendHeader(_ header: Header, to peer: PeerIdentity, on side: SideSocket) {
        writer.removeAll()
        outgoing = Message(header: header, body: writer)
        depart(&outgoing, to: peer, on: side, .nobody)
    }

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

    private func name(_ worker: Int32) -> String { core.workers[Int(worker)]?.name ?? "#\(worker)" }
}
