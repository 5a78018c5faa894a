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
    private var core: ClientCore
    private var random: SplitMix64
    private var connections: [BrokerConnection?]
    /// Brokers that turned our key away when it was last shown.
    private var strangers: Set<Int> = []
    /// By slot of the core's table.
    private var pending: [Submission?] = []
    private var endedCalls = 0
    private var frame = Message()
    private var nextTick: MonotonicTime
    /// The earliest timer that is set on the loop.
    private var timerDue = MonotonicTime.distantFuture

    // Swapped with the inbox's, so that neither side allocates once both have grown.
    private var submissions: [Submission] = []
    private var cancelled: [UInt64] = []

    /// Frames taken from one socket before the others have a turn.
    private static let framesPerTurn = 1_024

    init(endpoints: [Endpoint], configuration: ClientConfiguration, inbox: Inbox) {
        self.endpoints = endpoints
        keys = configuration.keys
        self.inbox = inbox
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
        tick()
        scheduleTick()
        loop.run()
        loop.remove(bell)
        inbox.closed()
    }

    private func endTurn() {
        takeInbox()
        if loop.now >= nextTick { tick() }
        scheduleTick()
    }

    // MARK: Inbox

    private func takeInbox() {
        let phase = inbox.take(&submissions, &cancelled, ended: endedCalls)
        endedCalls = 0
        // Whoever has called once calls again: look once more before waiting, so that nobody has to ring.
        if !submissions.isEmpty { loop.continueSoon() }
        for submission in submissions { begin(submission) }
        submissions.removeAll(keepingCapacity: true)
        if !cancelled.isEmpty { cancel(Set(cancelled)) }
        cancelled.removeAll(keepingCapacity: true)
        guard phase == .closing else { return }
        core.close()
        perform()
        loop.stop()
    }

    private func begin(_ submission: Submission) {
        let request = ClientCore.Request(
            isRepeatable: submission.isRepeatable, maximumAttempts: submission.maximumAttempts,
            deadline: submission.deadline, pin: submission.broker)
        guard let slot = core.begin(request, now: loop.now) else {
            // The inbox admits no more calls than the core has slots.
            preconditionFailure("no slot for an admitted call")
        }
        while pending.count <= slot { pending.append(nil) }
        pending[slot] = submission
        perform()
    }

    /// One pass over the table for all of them: cancelling is rare, and then often of many.
    private func cancel(_ tickets: Set<UInt64>) {
        for slot in pending.indices {
            guard let ticket = pending[slot]?.ticket, tickets.contains(ticket) else { continue }
            core.cancel(slot)
            perform()
        }
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
        perform(
            body: header.kind == .result ? frame.copy(from: Header.size + Int(header.metadataLength)) : [])
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

    /// - Parameter body: of the answer that led to these actions.
    private func perform(body: [UInt8] = []) {
        var index = 0
        while index < core.actions.count {
            let action = core.actions[index]
            index += 1
            switch action {
            case .send(let slot): send(slot)
            case .end(let slot, let ending): end(slot, ending, body: body)
            case .open(let broker): open(broker)
            case .drop(let broker): drop(broker)
            case .ping(let broker, let nonce): send(.ping, id: nonce, to: broker)
            case .cancel(let broker, let id): send(.cancel, id: id.rawValue, to: broker)
            }
        }
        core.actions.removeAll(keepingCapacity: true)
    }

    private func send(_ slot: Int) {
        let call = core.calls[slot]
        // A session that was lost while this action waited has moved the call already.
        guard call.state == .assigned, let broker = call.broker, let submission = pending[slot] else {
            return
        }
        var header = submission.header
        header.callID = call.id(slot: slot).rawValue
        if call.attempts > 1 { header.flags.insert(.retry) }
        // Zero would mean "no deadline".
        header.milliseconds = UInt32(max(1, (call.deadline - loop.now).milliseconds))
        if let connection = connections[broker], connection.send(header, body: submission.body) {
            core.handedOver(slot)
        } else {
            core.notTaken(slot, now: loop.now, random: random.next())
        }
    }

    private func send(_ kind: Header.Kind, id: UInt64, to broker: Int) {
        var header = Header(kind)
        header.flags = [.end]
        header.callID = id
        // One that is not taken needs nobody: the session's end is noticed at the next tick.
        _ = connections[broker]?.send(header)
    }

    private func end(_ slot: Int, _ ending: Ending, body: [UInt8]) {
        guard let submission = pending[slot].take() else {
            preconditionFailure("the call in slot \(slot) ended twice")
        }
        endedCalls += 1
        var ending = ending
        if ending.cause == .deadline, ending.certainty == .notExecuted, strangers.count == endpoints.count {
            ending.status = .unauthenticated
            ending.reason = .keyRefused
            ending.cause = .keyRefused
        }
        let outcome = Outcome(ending: ending, body: ending.cause == .answer ? body : [])
        submission.continuation.resume(returning: outcome)
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

extension Span<UInt8> {
    /// The bytes from `start` on. A held ZeroMQ message would pin eight kilobytes for a few hundred bytes.
    fileprivate func copy(from start: Int) -> [UInt8] {
        let rest = extracting(start...)
        return unsafe rest.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
