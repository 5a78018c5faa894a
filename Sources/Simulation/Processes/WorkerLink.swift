import Broker
import Methods
import Resilience
import Sales
import Wire
import Workers

/// A worker's session with one broker, as `BrokerLink` has it: one connection, given up after silence, begun anew
/// on a new one.
final class WorkerLink {
    private enum State {
        case connecting, introduced, joined
    }

    private(set) var session: UInt32 = 0
    /// The broker's clock as of its last beat.
    private(set) var stamp: UInt64 = 0
    private unowned let worker: WorkerProcess
    let broker: Int
    private(set) var pipe: Pipe?
    private var state = State.connecting
    private var heardAt: MonotonicTime
    private var retryAt: MonotonicTime
    private var failures = 0
    private static let backoff = Backoff(base: .milliseconds(100), ceiling: .seconds(2))
    private static let silence = TimeAmount.seconds(2)

    init(_ worker: WorkerProcess, broker: Int) {
        self.worker = worker
        self.broker = broker
        heardAt = worker.now
        retryAt = worker.now
    }

    var isJoined: Bool { state == .joined }
    private var world: World { worker.world }

    func tend() {
        guard let pipe else {
            if worker.now >= retryAt { connect() }
            return
        }
        if state == .connecting {
            introduce(pipe)
            state = .introduced
        }
        guard worker.now - heardAt > Self.silence else { return }
        let (ended, wasJoined) = (session, isJoined)
        end()
        if wasJoined { worker.lost(self, ended) }
    }

    private func connect() {
        heardAt = worker.now
        stamp = 0
        state = .connecting
        guard let pipe = world.connect(worker, .worker(worker.index), to: broker) else {
            // Nobody listens: libzmq tries on by itself, and silence ends the session.
            failures += 1
            retryAt = worker.now + Self.backoff.wait(after: failures, random: world.random())
            return
        }
        session = worker.newSession()
        self.pipe = pipe
        pipe.onClient = { [unowned self] message in
            if self.pipe === pipe { worker.receive(message, from: self) }
        }
    }

    private func introduce(_ pipe: Pipe) {
        let ready = Ready(
            name: worker.name, incarnation: worker.incarnation.map { "\($0)" } ?? "",
            partitions: Int32(world.scenario.partitions), hash: RoutingKey.hashName,
            methods: World.methods, credit: [64, 16, 16], leaseTTL: world.scenario.leaseTTL)
        send(Message(header: Header(.ready), body: .ready(ready)))
        for partition in 0..<world.scenario.partitions where worker.believes(partition) {
            worker.claim(Partition(rawValue: Int16(partition)), self)
        }
        if worker.core.isDraining { send(Message(header: Header(.drain))) }
    }

    func end() {
        pipe?.close()
        pipe = nil
        state = .connecting
        failures += 1
        retryAt = worker.now + Self.backoff.wait(after: failures, random: world.random())
    }

    /// The worker has died: the broker finds out by itself.
    func abandon() {
        pipe?.close()
        pipe = nil
    }

    func heard(_ kind: Header.Kind) {
        heardAt = worker.now
        if kind != .goAway { state = .joined }
    }

    func heardBeat(_ header: Header) {
        stamp = header.callID
        failures = 0
    }

    func send(_ message: Message) { pipe?.sendToServer(message) }
}
