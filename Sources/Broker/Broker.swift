public import Logging
import Wire
public import ZeroMQ

/// A broker: two ROUTER sockets, one core, one thread. Holds nothing that its death could lose.
public final class Broker {
    let loop: EventLoop
    let context: Context
    let logger: Logger
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
    private let heldWriter = ThreadBound(MessagePackWriter())
    /// Used for every receive: nothing is made per message.
    private let heldIdentity = ThreadBound(Message())
    private let heldMessage = ThreadBound(Message())
    private let heldOutgoing = ThreadBound(Message())
    private let heldOutbox: ThreadBound<Outbox>

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
        precondition(configuration.maximumBatch > 0, "maximumBatch is at least 1")
        var configuration = configuration
        if configuration.secret == 0 { configuration.secret = .random(in: 1 ... .max) }
        heldCore = ThreadBound(BrokerCore(configuration: configuration, now: .now()))
        heldOutbox = ThreadBound(Outbox(capacity: configuration.maximumBatch))
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
            sendHeader(Header(.goAway), to: client.key.identity, at: .clients)
        }
        for case let worker? in core.workers {
            sendHeader(Header(.goAway), to: worker.identity, at: .workers)
        }
    }

    // MARK: State

    var core: BrokerCore {
        _read { yield heldCore.value }
        _modify { yield &heldCore.value }
    }
    var kept: KeptMessages {
        _read { yield heldKept.value }
        _modify { yield &heldKept.value }
    }
    var identity: Message {
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
    var writer: MessagePackWriter {
        _read { yield heldWriter.value }
        _modify { yield &heldWriter.value }
    }
    var outbox: Outbox {
        _read { yield heldOutbox.value }
        _modify { yield &heldOutbox.value }
    }
}
