import Resilience
import Synchronization
import Wire
import ZeroMQ

/// The client's I/O thread: feeds the core from inbox, sockets and clock, and performs its actions.
final class ClientLoop {
    private let loop = EventLoop()
    private let context = Context()
    private let endpoints: [Endpoint]
    private let keys: ConnectionKeys?
    private let inbox: Inbox
    private let executor: LoopExecutor
    private var core: ClientCore
    private var random: SplitMix64
    private var connections: [BrokerConnection?]
    /// Brokers that turned our key away when it was last shown.
    private var strangers: Set<Int> = []
    /// By slot of the core's table.
    private var pending: [PendingCall] = []
    /// Seats to give back.
    private var ended: [Int32] = []
    private var frame = Message()
    private var nextTick: MonotonicTime
    /// The earliest timer that is set on the loop.
    private var timerDue = MonotonicTime.distantFuture

    /// Swapped with the inbox's, so that neither side allocates once both have grown.
    private var entries = Inbox.Entries()

    /// Frames taken from one socket before the others have a turn.
    private static let framesPerTurn = 1_024
    /// Rounds of jobs in one turn, each of which may make calls and so new jobs.
    private static let roundsPerTurn = 4

    init(endpoints: [Endpoint], configuration: ClientConfiguration, inbox: Inbox, executor: LoopExecutor) {
        self.endpoints = endpoints
        keys = configuration.keys
        self.inbox = inbox
        self.executor = executor
        core = ClientCore(brokers: endpoints.count, configuration: configuration, now: loop.now)
        var system = SystemRandomNumberGenerator()
        random = SplitMix64(seed: system.next())
        connections = Array(repeating: nil, count: endpoints.count)
        nextTick = loop.now
    }

    /// Runs until the client is closed.
    func run() {
        let bell = loop.watch(descriptor: inbox.bell.descriptor, for: .readable) { [inbox] _ in
            inbox.bell.silence()
        }
        loop.atTurnEnd { [unowned self] in endTurn() }
        inbox.begin()
        tick()
        scheduleTick()
        loop.run()
        loop.remove(bell)
        executor.end(inbox.closed())
    }

    private func endTurn() {
        takeInbox()
        if loop.now >= nextTick { tick() }
        scheduleTick()
        if executor.hasOwnJobs { loop.continueSoon() }
    }

    // MARK: Inbox

    private func takeInbox() {
        var round = 0
        repeat {
            round += 1
            executor.runOwnJobs()
            let phase = inbox.take(&entries, ended: ended)
            ended.removeAll(keepingCapacity: true)
            for (seat, submission) in entries.submissions { begin(submission, at: seat) }
            for note in entries.notes { heed(note) }
            executor.run(entries.jobs)
            // Whoever has called once calls again: look once more before waiting, so that nobody has to ring.
            if entries.areForeign { loop.continueSoon() }
            let mayHaveMore = !entries.jobs.isEmpty || executor.hasOwnJobs
            entries.removeAll()
            if phase == .closing { return close() }
            // What jobs have asked for is done in the same turn.
            guard mayHaveMore else { return }
        } while round < ClientLoop.roundsPerTurn
        loop.continueSoon()
    }

    private func close() {
        core.close()
        perform()
        loop.stop()
    }

    private func begin(_ submission: Submission, at seat: CallID) {
        let slot = seat.slot
        while pending.count <= slot { pending.append(PendingCall()) }
        pending[slot].frame = submission.frame
        pending[slot].caller = submission.caller
        core.begin(submission.request, at: seat, now: loop.now)
        perform()
    }

    private func heed(_ note: Inbox.Note) {
        switch note {
        case .cancel(let seat): core.cancel(seat)
        case .took(let seat, let count): core.took(count, of: seat)
        case .item(let seat, let item): pass(item, of: seat)
        }
        if !core.actions.isEmpty { perform() }
    }

    // MARK: Items of callers

    private func pass(_ item: StreamPipe.Item, of seat: CallID) {
        guard core.isLive(seat), case .stream(let pipe) = pending[seat.slot].caller else { return }
        let passage = core.passage(seat.slot)
        if passage.isKept { pipe.keep(item) }
        if passage.isSent { send(item, of: seat.slot) }
    }

    private func replay(_ slot: Int) {
        guard case .stream(let pipe) = pending[slot].caller else { return }
        for item in pipe.keptItems { send(item, of: slot) }
    }

    private func send(_ item: StreamPipe.Item, of slot: Int) {
        var header = core.itemHeader(slot, isEnd: item.isEnd)
        if item.isCompressed { header.flags.insert(.compressed) }
        // One that is not taken needs nobody: the session's end is noticed at the next tick.
        _ = connections[Int(core.calls[slot].attempt.broker)]?.send(header, body: item.body)
    }

    // MARK: Sockets

    private func readFrames(from broker: Int) {
        for _ in 0..<ClientLoop.framesPerTurn {
            // An action may have dropped the connection.
            guard let connection = connections[broker], connection.socket.receive(into: &frame) else {
                return
            }
            frame.withBytes { handle($0, from: broker) }
        }
        loop.continueSoon()
    }

    private func handle(_ frame: Span<UInt8>, from broker: Int) {
        guard let header = try? Header(decoding: frame) else {
            core.counts.malformed += 1
            return
        }
        core.received(header, from: broker, now: loop.now, random: random.next())
        guard !core.actions.isEmpty else { return }
        switch header.kind {
        case .result, .data: perform(Parcel(copying: frame, header))
        default: perform()
        }
    }

    // MARK: Time

    private func tick() {
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

    private func scheduleTick() {
        nextTick = core.nextTick(after: loop.now)
        guard nextTick < timerDue || timerDue <= loop.now else { return }
        timerDue = nextTick
        // Waking is all that it has to do: the end of the turn looks at the time.
        loop.schedule(after: max(.zero, nextTick - .now())) {}
    }

    // MARK: Actions

    /// - Parameter parcel: the message that led to these actions.
    private func perform(_ parcel: Parcel = Parcel()) {
        var index = 0
        while index < core.actions.count {
            let action = core.actions[index]
            index += 1
            switch action {
            case .send(let slot, let attempt): send(slot, attempt)
            case .end(let slot, let ending): end(slot, ending, parcel)
            case .deliver(let slot): pipe(slot)?.deliver(parcel)
            case .permit(let slot, let count): pipe(slot)?.allow(count)
            case .hold(let slot): pending[slot].held = parcel
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

    private func send(_ slot: Int, _ number: UInt8) {
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

    private func send(_ kind: Header.Kind, id: UInt64, _ total: UInt32 = 0, to broker: Int) {
        var header = Header(kind)
        if kind == .ping || kind == .cancel { header.flags = [.end] }
        header.callID = id
        header.sequence = total
        // One that is not taken needs nobody: the session's end is noticed at the next tick.
        _ = connections[broker]?.send(header)
    }

    private func end(_ slot: Int, _ ending: Ending, _ parcel: Parcel) {
        guard let caller = pending[slot].caller.take() else {
            preconditionFailure("the call in slot \(slot) ended twice")
        }
        pending[slot].frame = []
        ended.append(Int32(slot))
        var ending = ending
        if ending.cause == .deadline, ending.certainty == .notExecuted, strangers.count == endpoints.count {
            ending.status = .unauthenticated
            ending.reason = .keyRefused
            ending.cause = .keyRefused
        }
        let answer: Parcel
        switch ending.cause {
        case .answer: answer = parcel
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

    private func open(_ broker: Int) {
        do {
            connections[broker] = try BrokerConnection(
                to: endpoints[broker], keys: keys, in: context, on: loop
            ) {
                [unowned self] in readFrames(from: broker)
            }
        } catch {
            // A name that does not resolve, or no descriptors left: both may pass.
            core.disconnected(broker, now: loop.now, random: random.next())
        }
    }

    private func drop(_ broker: Int) {
        guard let connection = connections[broker].take() else { return }
        if connection.wasKeyRefused() { strangers.insert(broker) }
        loop.remove(connection.source)
    }
}

extension Parcel {
    /// Copies a message: one that was held would pin eight kilobytes for a few hundred bytes.
    fileprivate init(copying frame: Span<UInt8>, _ header: Header) {
        let bytes = unsafe frame.withUnsafeBufferPointer { unsafe Array($0) }
        self.init(
            frame: bytes, metadataLength: header.metadataLength,
            isCompressed: header.flags.contains(.compressed))
    }
}
