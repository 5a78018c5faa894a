import Redis
import Redlock
import Wire

/// A modelled Redis server: a process with a wall clock of its own, which answers in order.
final class RedisNode {
    let index: Int
    unowned let world: World
    var model = RedisModel()
    private(set) var isUp = true
    /// Grows with every start.
    private(set) var life = 0
    private var startedAt: MonotonicTime
    private var pausedUntil = MonotonicTime.distantPast
    /// What came during a pause.
    private var inbox: [() -> Void] = []
    /// How far its wall clock is from the true time, in microseconds.
    private var offset: Int64
    private let usualOffset: Int64
    private var connections: [RedisLink] = []

    init(_ index: Int, _ world: World) {
        self.index = index
        self.world = world
        usualOffset = Int64(world.random() % 2_000_000) - 1_000_000
        offset = usualOffset
        // Old enough to vote from the start.
        startedAt = world.now - .seconds(3_600)
    }

    /// Microseconds since 1970 by its own clock.
    var clock: Int64 { 1_700_000_000_000_000 + world.now.nanoseconds / 1_000 + offset }

    var info: ServerInfo {
        ServerInfo(
            runID: "node-\(index)-\(life)",
            uptime: .seconds((world.now - startedAt).nanoseconds / 1_000_000_000),
            isMaster: true, maxmemoryPolicy: "noeviction")
    }

    // MARK: Connections

    func connected(_ link: RedisLink) { connections.append(link) }
    func disconnected(_ link: RedisLink) { connections.removeAll { $0 === link } }

    /// Runs something in the server, when it is not paused any more and if it lives then.
    func run(at moment: MonotonicTime, _ action: @escaping () -> Void) {
        let life = life
        world.schedule(at: moment) { [self] in
            guard isUp, life == self.life else { return }
            // In order: what came during a pause is done before what comes after it.
            if world.now < pausedUntil || !inbox.isEmpty {
                inbox.append(action)
            } else {
                action()
            }
        }
    }

    /// Does what came during a pause, when that is over.
    private func resume() {
        guard world.now >= pausedUntil else { return }
        for action in exchange(&inbox, with: []) { action() }
    }

    // MARK: Life and death

    func stop() {
        guard isUp else { return }
        isUp = false
        life += 1
        inbox = []
        let broken = connections
        connections = []
        for link in broken { link.brokenByServer() }
    }

    func start(losingData: Bool) {
        guard !isUp else { return }
        isUp = true
        startedAt = world.now
        pausedUntil = world.now
        if losingData {
            model.flush()
            world.judge.note(.nodeRestartedEmpty)
        }
    }

    func pause(until end: MonotonicTime) {
        pausedUntil = max(pausedUntil, end)
        world.schedule(at: end) { [self] in resume() }
    }

    func step(by microseconds: Int64) { offset += microseconds }

    /// Ends whatever is wrong with it. A clock that was ahead has left keys that would last for as long.
    func heal() {
        pausedUntil = world.now
        resume()
        offset = usualOffset
        start(losingData: false)
        model.cap(to: clock + world.scenario.leaseTTL * 1_000)
    }
}

/// A worker's connection to a node, as `RedisConnection` has it: commands in order, INFO first, connected again when
/// it was lost.
final class RedisLink {
    private unowned let worker: Process
    let node: RedisNode
    private let ready: (ServerInfo) -> Void
    private let lost: () -> Void
    private var isConnected = false
    private var isConnecting = false
    private var retryAt = MonotonicTime.distantPast
    private var lastArrival = MonotonicTime.distantPast
    private var lastReply = MonotonicTime.distantPast
    /// What waits for an answer, in order.
    private var waiting: [(LockReply) -> Void] = []
    /// Grows with every connection.
    private var number = 0
    var cutToNode = MonotonicTime.distantPast
    var cutFromNode = MonotonicTime.distantPast

    init(
        _ worker: Process, _ node: RedisNode, ready: @escaping (ServerInfo) -> Void,
        lost: @escaping () -> Void
    ) {
        self.worker = worker
        self.node = node
        self.ready = ready
        self.lost = lost
    }

    private var world: World { worker.world }

    func tend() {
        guard !isConnected, !isConnecting, worker.now >= retryAt else { return }
        isConnecting = true
        number += 1
        let mine = number
        guard node.isUp else {
            return worker.after(.milliseconds(1)) { [self] in
                if number == mine { failed() }
            }
        }
        node.connected(self)
        ask { [self] in
            node.info
        } then: { [self] info in
            guard number == mine else { return }
            (isConnecting, isConnected) = (false, true)
            ready(info)
        }
        // hiredis' own time limit for a connection.
        worker.after(.seconds(1)) { [self] in
            if number == mine, isConnecting { failed() }
        }
    }

    private func failed() {
        isConnecting = false
        number += 1
        node.disconnected(self)
        retryAt = worker.now + .milliseconds(Int64(world.network.number(10...200)))
    }

    func send(_ command: LockCommand, _ finish: @escaping (LockReply) -> Void) {
        guard isConnected else { return worker.after(.zero) { finish(.lost) } }
        waiting.append(finish)
        let mine = number
        ask { [self] in
            node.model.execute(command, at: node.clock)
        } then: { [self] answer in
            guard number == mine, !waiting.isEmpty else { return }
            waiting.removeFirst()(.answered(answer))
        }
    }

    func inspect(_ finish: @escaping (ServerInfo?) -> Void) {
        guard isConnected else { return worker.after(.zero) { finish(nil) } }
        let mine = number
        var isDone = false
        ask { [self] in
            node.info
        } then: { [self] info in
            guard number == mine else { return }
            isDone = true
            finish(info)
        }
        ifLost { if !isDone { finish(nil) } }
    }

    private var onLoss: [() -> Void] = []
    private func ifLost(_ action: @escaping () -> Void) { onLoss.append(action) }

    /// There and back, in order, as far as the connection lasts.
    private func ask<Value>(_ question: @escaping () -> Value, then: @escaping (Value) -> Void) {
        let life = node.life
        lastArrival = max(lastArrival, max(world.now, cutToNode) + world.network.delay())
        node.run(at: lastArrival) { [self] in
            guard node.life == life else { return }
            let value = question()
            lastReply = max(lastReply, max(world.now, cutFromNode) + world.network.delay())
            worker.deliver(at: lastReply) { if self.node.life == life { then(value) } }
        }
    }

    /// The server has closed the connection, or died.
    func brokenByServer() {
        let mine = number
        worker.deliver(at: world.now + world.network.delay()) { [self] in
            guard number == mine else { return }
            number += 1
            let wasConnected = isConnected
            (isConnected, isConnecting) = (false, false)
            retryAt = worker.now + .milliseconds(Int64(world.network.number(10...200)))
            let unanswered = waiting
            let losses = onLoss
            (waiting, onLoss) = ([], [])
            for finish in unanswered { finish(.lost) }
            for loss in losses { loss() }
            if wasConnected { lost() }
        }
    }

    func abandon() {
        number += 1
        node.disconnected(self)
        (waiting, onLoss) = ([], [])
    }
}
