import Logging
import Methods
import Resilience
import Wire
import ZeroMQ

/// A host's I/O thread: feeds the core from sockets, handlers and clock, and performs what it decides.
final class HostLoop {
    let loop = EventLoop()
    let plan: HostPlan
    let outbox: Outbox
    let logger: Logger
    private let heldCore: ThreadBound<ServiceCore>
    /// By broker.
    var sockets: [BrokerSocket?]
    /// By slot of the core's table.
    var tasks: [Task<Void, Never>?] = []
    var channels: [CallChannel?] = []
    private let heldWriter = ThreadBound(MessagePackWriter())
    private let heldOutgoing = ThreadBound(Message())
    private let heldIncoming = ThreadBound(Message())
    /// For tests: what would be sent is lost.
    var isMuted = false
    private let context = Context()
    private var random: SplitMix64
    /// Swapped with the outbox's, so that neither side allocates once both have grown.
    private var commands: [Outbox.Command] = []
    /// When the calls in hand have had their time. Nil until the host is told to stop.
    private var graceEnd: MonotonicTime?

    /// Messages taken from one broker before the others have a turn.
    private static let messagesPerTurn = 1_024
    /// Time for them, in case that inline handlers are slow. Looked at now and then.
    private static let timePerTurn = TimeAmount.milliseconds(5)
    private static let tickInterval = TimeAmount.milliseconds(20)

    init(plan: HostPlan, outbox: Outbox, logger: Logger) {
        self.plan = plan
        self.outbox = outbox
        self.logger = logger
        heldCore = ThreadBound(
            ServiceCore(
                configuration: plan.configuration, brokers: plan.brokers.count, methods: plan.shapes,
                now: loop.now))
        sockets = Array(repeating: nil, count: plan.brokers.count)
        var system = SystemRandomNumberGenerator()
        random = SplitMix64(seed: system.next())
    }

    // MARK: State

    var core: ServiceCore {
        _read { yield heldCore.value }
        _modify { yield &heldCore.value }
    }
    var writer: MessagePackWriter {
        _read { yield heldWriter.value }
        _modify { yield &heldWriter.value }
    }
    var outgoing: Message {
        _read { yield heldOutgoing.value }
        _modify { yield &heldOutgoing.value }
    }
    private var incoming: Message {
        _read { yield heldIncoming.value }
        _modify { yield &heldIncoming.value }
    }

    /// Runs until the host was told to stop and nothing is left to do.
    func run() {
        let bell = loop.watch(descriptor: outbox.bell.descriptor, for: .readable) { [outbox] _ in
            outbox.bell.silence()
        }
        loop.schedule(every: HostLoop.tickInterval) { [unowned self] in tick() }
        loop.schedule(every: HostConfiguration.beatInterval) { [unowned self] in sendBeats() }
        loop.atTurnEnd { [unowned self] in takeOutbox() }
        tick()
        loop.run()
        loop.remove(bell)
        for broker in sockets.indices { drop(broker) }
        outbox.closed()
    }

    // MARK: Time

    private func tick() {
        core.tick(loop.now) { random.next() }
        perform()
        guard let graceEnd, core.isIdle || graceEnd <= loop.now else { return }
        core.endAll()
        perform()
        for broker in sockets.indices where core.sessions[broker].isUp { send(Header(.goAway), to: broker) }
        loop.stop()
    }

    private func drain() {
        guard graceEnd == nil else { return }
        graceEnd = loop.now + plan.configuration.grace
        core.drain()
        for broker in sockets.indices where core.sessions[broker].isUp { send(Header(.drain), to: broker) }
    }

    // MARK: The outbox

    private func takeOutbox() {
        let phase = outbox.take(&commands)
        // Where one handler has ended others soon will: look once more before waiting, so that nobody rings.
        if !commands.isEmpty { loop.continueSoon() }
        for command in commands { perform(command) }
        commands.removeAll(keepingCapacity: true)
        if phase == .draining { drain() }
    }

    private func perform(_ command: Outbox.Command) {
        switch command {
        case .answer(let token, let answer):
            guard let (slot, address) = core.finish(token) else { return }
            tasks[slot] = nil
            channels[slot] = nil
            if let address { send(answer, to: address) }
        case .item(let token, let parcel):
            guard let address = core.send(token) else { return }
            var header = Header(.data)
            header.callID = address.callID
            header.sequence = address.sent
            send(header, parcel, to: address.broker)
        case .credit(let token, let total):
            guard let address = core.grant(token, total) else { return }
            var header = Header(.credit)
            header.callID = address.callID
            header.sequence = total
            send(header, to: address.broker)
        case .serving(let service, let isServing):
            guard let index = plan.services.firstIndex(of: service) else { return }
            core.setServing(index, isServing)
            sendBeats()
        }
    }

    // MARK: Receiving

    private func receive(from broker: Int) {
        for number in 1...HostLoop.messagesPerTurn {
            if number.isMultiple(of: 32), .now() - loop.now > HostLoop.timePerTurn { break }
            // What came before may have ended the session.
            guard let socket = sockets[broker], socket.socket.receive(into: &incoming) else { return }
            incoming.withBytes { handle($0, from: broker) }
        }
        loop.continueSoon()
    }

    private func handle(_ frame: Span<UInt8>, from broker: Int) {
        guard let header = try? Header(decoding: frame) else { return malformed(broker) }
        core.heard(from: broker, loop.now)
        let bodyStart = Header.size + Int(header.metadataLength)
        switch header.kind {
        case .call:
            if let script = plan.script, let twist = script.twist(of: header.method) {
                perform(twist, header, frame, from: broker)
            } else {
                call(header, frame, from: broker)
            }
        case .data:
            let delivery = core.data(header, isEmpty: bodyStart == frame.count, from: broker)
            perform()
            switch delivery {
            case .item(let slot, let isLast):
                let item = CallChannel.Item(
                    bytes: frame.copy(from: bodyStart), isCompressed: header.flags.contains(.compressed))
                channels[slot]?.deliver(item, isLast: isLast)
            case .end(let slot):
                channels[slot]?.deliver(nil, isLast: true)
            case .none:
                break
            }
        case .credit:
            if let slot = core.credit(header, from: broker) { channels[slot]?.allow(header.sequence) }
            perform()
        case .cancel:
            core.cancel(header.callID, from: broker)
            perform()
        case .beat:
            if core.beat(stamp: header.callID, from: broker) {
                logger.info("Joined a broker", metadata: ["broker": "\(plan.brokers[broker])"])
                outbox.joined()
            }
            reclaim(header, frame, from: broker)
        case .goAway:
            lost(broker, after: .milliseconds(Int64(header.milliseconds)))
        case .result, .ping, .pong, .returned, .ready, .own, .disown, .drain, .describe:
            malformed(broker)
        }
    }

    func malformed(_ broker: Int) {
        core.counts.malformed += 1
        logger.debug(
            "Dropped a malformed message of a broker", metadata: ["broker": "\(plan.brokers[broker])"])
    }

    // MARK: Sessions

    func perform() {
        var index = 0
        // Performing may add actions: a broker that cannot be reached is lost.
        while index < core.actions.count {
            let action = core.actions[index]
            index += 1
            switch action {
            case .connect(let broker): connect(broker)
            case .introduce(let broker): introduce(to: broker)
            case .drop(let broker):
                logger.debug("A session ended", metadata: ["broker": "\(plan.brokers[broker])"])
                drop(broker)
            case .stop(let slot): stop(slot)
            case .end(let slot, let address, let failure):
                stop(slot)
                send(Answer(failure), to: address)
            }
        }
        core.actions.removeAll(keepingCapacity: true)
    }

    private func stop(_ slot: Int) {
        channels[slot]?.stop()
        tasks[slot]?.cancel()
    }

    private func connect(_ broker: Int) {
        do {
            sockets[broker] = try BrokerSocket(
                to: plan.brokers[broker], keys: plan.configuration.keys, in: context, on: loop
            ) {
                [unowned self] in receive(from: broker)
            }
        } catch {
            logger.error(
                "Cannot connect to a broker",
                metadata: ["broker": "\(plan.brokers[broker])", "error": "\(error)"])
            lost(broker)
        }
    }

    /// The session ends while something else may be performed: its actions join the others.
    func lost(_ broker: Int, after wait: TimeAmount = .zero) {
        let isPerforming = !core.actions.isEmpty
        core.lost(broker, after: wait, loop.now, random: random.next())
        if !isPerforming { perform() }
    }

    private func drop(_ broker: Int) {
        guard let socket = sockets[broker].take() else { return }
        if socket.wasKeyRefused() {
            logger.error(
                "A broker does not know this host's key: ask its operator to list it with the role worker",
                metadata: ["broker": "\(plan.brokers[broker])"])
        }
        loop.remove(socket.source)
    }
}

extension Span<UInt8> {
    /// The bytes from `start` on. A held ZeroMQ message would pin eight kilobytes for a few hundred bytes.
    func copy(from start: Int) -> [UInt8] {
        let rest = extracting(start...)
        return unsafe rest.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
