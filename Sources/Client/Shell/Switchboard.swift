import Resilience
import Wire
import ZeroMQ

/// Everything that the I/O thread works on: feeds the core from inbox, sockets and clock, and performs its
/// actions.
///
/// A value inside the loop's object, so that one look-up per turn finds all of it; fields of an object are
/// checked for overlapping access each time.
struct Switchboard: ~Copyable {
    private let loop: EventLoop
    private let context = Context()
    private let endpoints: [Endpoint]
    private let keys: ConnectionKeys?
    private let inbox: Inbox
    private let executor: LoopExecutor
    /// Called on the loop when messages of a broker may be there.
    var readable: (Int) -> Void = { _ in }
    private var core: ClientCore
    private var random: SplitMix64
    private var connections: [BrokerConnection?]
    /// Brokers that turned our key away when it was last shown.
    private var strangers: Set<Int> = []
    /// By slot of the core's table.
    private var pending: [PendingCall] = []
    /// Seats to give back.
    private var ended: [Int32] = []
    /// Swapped with the inbox's, so that neither side allocates once both have grown.
    private var entries = Inbox.Entries()

    /// Frames taken from one socket before the others have a turn.
    private static let framesPerTurn = 256
    /// Rounds of jobs in one turn, each of which may make calls and so new jobs.
    private static let roundsPerTurn = 4

    init(
        _ endpoints: [Endpoint], _ configuration: ClientConfiguration, _ inbox: Inbox,
        _ executor: LoopExecutor, on loop: EventLoop
    ) {
        self.loop = loop
        self.endpoints = endpoints
        keys = configuration.keys
        self.inbox = inbox
        self.executor = executor
        core = ClientCore(brokers: endpoints.count, configuration: configuration, now: loop.now)
        var system = SystemRandomNumberGenerator()
        random = SplitMix64(seed: system.next())
        connections = Array(repeating: nil, count: endpoints.count)
    }

    /// When to look at the time again.
    func nextTick() -> MonotonicTime { core.nextTick(after: loop.now) }

    // MARK: Inbox

    mutating func takeInbox() {
        var round = 0
        repeat {
            round += 1
            executor.runOwnJobs()
            let phase = inbox.take(&entries, ended: ended)
            ended.removeAll(keepingCapacity: true)
            for index in entries.submissions.indices { begin(index) }
            // All are sent one right after the other, so that libzmq's thread is woken once for them.
            perform()
            for note in entries.notes { heed(note) }
            executor.run(entries.jobs)
            // Whoever has called once calls again: look once more before waiting, so that nobody has to ring.
            if entries.areForeign { loop.continueSoon() }
            let mayHaveMore = !entries.jobs.isEmpty || executor.hasOwnJobs
            entries.removeAll()
            if phase == .closing { return close() }
            // What jobs have asked for is done in the same turn.
            guard mayHaveMore else { return }
        } while round < Switchboard.roundsPerTurn
        loop.continueSoon()
    }

    private mutating func close() {
        core.close()
        perform()
        loop.stop()
    }

    private mutating func begin(_ index: Int) {
        let seat = entries.submissions[index].seat
        let slot = seat.slot
        while pending.count <= slot { pending.append(PendingCall()) }
        // Moved, not copied: nobody else counts on the frame's memory.
        swap(&pending[slot].frame, &entries.submissions[index].submission.frame)
        pending[slot].caller = entries.submissions[index].submission.caller
        core.begin(entries.submissions[index].submission.request, at: seat, now: loop.now)
    }

    private mutating func heed(_ note: Inbox.Note) {
        switch note {
        case .cancel(let seat): core.cancel(seat)
        case .took(let seat, let count): core.took(count, of: seat)
        case .item(let seat, let item): pass(item, of: seat)
        }
        if !core.actions.isEmpty { perform() }
    }

    // MARK: Items of callers

    private mutating func pass(_ item: StreamPipe.Item, of seat: CallID) {
        guard core.isLive(seat), case .stream(let pipe) = pending[seat.slot].caller else { return }
        let passage = core.passage(seat.slot)
        if passage.isKept { pipe.keep(item) }
        if passage.isSent { send(item, of: seat.slot) }
    }

    private mutating func replay(_ slot: Int) {
        guard case .stream(let pipe) = pending[slot].caller else { return }
        for item in pipe.keptItems { send(item, of: slot) }
    }

    private mutating func send(_ item: StreamPipe.Item, of slot: Int) {
        var header = core.itemHeader(slot, isEnd: item.isEnd)
        if item.isCompressed { header.flags.insert(.compressed) }
        // One that is not taken needs nobody: the session's end is noticed at the next tick.
        _ = connections[Int(core.calls[slot].attempt.broker)]?.send(header, body: item.body)
    }

    // MARK: Sockets

    mutating func readFrames(from broker: Int) {
        var frame = Message()
        for _ in 0..<Switchboard.framesPerTurn {
            // An action may have dropped the connection.
            guard let connection = connections[broker], connection.socket.receive(into: &frame) else {
                return
            }
            frame.withBytes { handle($0, from: broker) }
        }
        loop.continueSoon()
    }

    private mutating func handle(_ frame: Span<UInt8>, from broker: Int) {
        guard let header = try? Header(decoding: frame) else {
            core.counts.malformed += 1
            return
        }
        core.received(header, from: broker, now: loop.now, random: random.next())
        guard !core.actions.isEmpty else { return }
        switch header.kind {
        case .result, .data: perform(frame, header)
        default: perform()
        }
    }

    // MARK: Time

    mutating func tick() {
        for broker in connections.indices {
            guard let connection = connections[broker] else { continue }
            if connection.wasKeyRefused() { strangers.insert(broker) }
            if connection.socket.isWritable {
                strangers.remove(broker)
                core.connected(broker, now: loop.now)
            } else if core.sessions[broker].isConnected {
                core.disconnected(broker, now: loop.now, random: random.next())
            }
            perform()
        }
        core.tick(now: loop.now, random: &random)
        perform()
    }

    // MARK: Actions

    /// - Parameters:
    ///   - frame: the message that led to these actions, empty when it was none.
    ///   - header: of the message.
    private mutating func perform(_ frame: Span<UInt8> = Span(), _ header: Header = Header(.result)) {
        var index = 0
        while index < core.actions.count {
            let action = core.actions[index]
            index += 1
            switch action {
            case .send(let slot, let attempt): send(slot, attempt)
            case .end(let slot, let ending): end(slot, ending, frame, header)
            case .deliver(let slot): pipe(slot)?.deliver(Parcel(copying: frame, header))
            case .permit(let slot, let count): pipe(slot)?.allow(count)
            case .hold(let slot): pending[slot].held = Parcel(copying: frame, header)
            case .commit(let slot): pipe(slot)?.dropKept()
            case .replay(let slot): replay(slot)
            case .credit(let broker, let id, let total): send(.credit, id: id.rawValue, total, to: broker)
            case .open(let broker): open(broker)
            case .drop(let broker): drop(broker)
            case .ping(let broker, let nonce): send(.ping, id: nonce, to: broker)
            case .pong(let broker, let nonce): send(.pong, id: nonce, to: broker)
            case .cancel(let broker, let id): send(.cancel, id: id.rawValue, to: broker)
            }
        }
        core.actions.removeAll(keepingCapacity: true)
    }

    private func pipe(_ slot: Int) -> StreamPipe? {
        guard case .stream(let pipe) = pending[slot].caller else { return nil }
        return pipe
    }

    private mutating func send(_ slot: Int, _ number: UInt8) {
        let isHedge = core.calls[slot].attempt.number != number
        let attempt = isHedge ? core.calls[slot].hedge : core.calls[slot].attempt
        // A session that was lost while this action waited has moved the call already.
        guard attempt.number == number, attempt.state == .assigned else { return }
        let deadline = core.calls[slot].deadline
        // Zero means "no deadline".
        let milliseconds =
            deadline == .distantFuture ? 0 : UInt32(clamping: max(1, (deadline - loop.now).milliseconds))
        let id = core.calls[slot].id(slot: slot, attempt: number)
        if let connection = connections[Int(attempt.broker)],
            connection.send(pending[slot].frame, id: id, milliseconds: milliseconds)
        {
            core.handedOver(slot, attempt: number)
        } else {
            core.notTaken(slot, attempt: number, now: loop.now, random: random.next())
        }
    }

    private mutating func send(_ kind: Header.Kind, id: UInt64, _ total: UInt32 = 0, to broker: Int) {
        var header = Header(kind)
        if kind == .ping || kind == .cancel { header.flags = [.end] }
        header.callID = id
        header.sequence = total
        // One that is not taken needs nobody: the session's end is noticed at the next tick.
        _ = connections[broker]?.send(header)
    }

    private mutating func end(_ slot: Int, _ ending: Ending, _ frame: Span<UInt8>, _ header: Header) {
        guard let caller = pending[slot].caller.take() else {
            preconditionFailure("the call in slot \(slot) ended twice")
        }
        // The answer takes the request's memory, which is wanted no more.
        var request: [UInt8] = []
        swap(&request, &pending[slot].frame)
        ended.append(Int32(slot))
        var ending = ending
        if ending.cause == .deadline, ending.certainty == .notExecuted, strangers.count == endpoints.count {
            ending.status = .unauthenticated
            ending.reason = .keyRefused
            ending.cause = .keyRefused
        }
        let answer: Parcel
        switch ending.cause {
        case .answer: answer = Parcel(copying: frame, header, into: request)
        case .heldAnswer: answer = pending[slot].held
        default: answer = Parcel()
        }
        if ending.attempts > 1 { pending[slot].held = Parcel() }
        let outcome = Outcome(ending: ending, answer: answer)
        switch caller {
        case .unary(let waiter): waiter.resume(returning: outcome)
        case .stream(let pipe): pipe.end(outcome)
        }
    }

    private mutating func open(_ broker: Int) {
        do {
            connections[broker] = try BrokerConnection(
                to: endpoints[broker], keys: keys, in: context, on: loop
            ) {
                [readable] in readable(broker)
            }
        } catch {
            // A name that does not resolve, or no descriptors left: both may pass.
            core.disconnected(broker, now: loop.now, random: random.next())
        }
    }

    private mutating func drop(_ broker: Int) {
        guard let connection = connections[broker].take() else { return }
        if connection.wasKeyRefused() { strangers.insert(broker) }
        loop.remove(connection.source)
    }
}

extension Parcel {
    /// Copies a message: one that was held would pin eight kilobytes for a few hundred bytes.
    ///
    /// - Parameter memory: is used again when it is large enough.
    fileprivate init(copying frame: Span<UInt8>, _ header: Header, into memory: consuming [UInt8] = []) {
        memory.removeAll(keepingCapacity: true)
        unsafe frame.withUnsafeBufferPointer { unsafe memory.append(contentsOf: $0) }
        self.init(
            frame: memory, metadataLength: header.metadataLength,
            isCompressed: header.flags.contains(.compressed))
    }
}
