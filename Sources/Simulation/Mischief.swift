import Redlock
import Wire
import Workers

/// Makes a fault happen.
struct Mischief {
    private let world: World

    init(_ world: World) { self.world = world }

    func make(_ fault: Fault) {
        switch fault {
        case .killWorker, .pauseWorker, .starveWorker, .drainWorker, .addWorker, .killBroker, .pauseBroker:
            harmProcess(fault)
        case .cutBroker, .island, .muteOwner, .blindBroker, .cutClient, .dropConnection, .cutRedis:
            harmNetwork(fault)
        case .killNode, .killMajority, .pauseNode, .stepNodeClock, .flushNode, .flushMajority, .forgeLease,
            .extendLeases, .stepMajority:
            harmRedis(fault)
        case .stepWorkerClock(let number, let time):
            worker(number).wallOffset = .milliseconds(time)
        case .dropLedger, .cutLedger, .cutCommits, .stopLedger, .slowLedger, .hangCommits, .catchCommit,
            .failOver,
            .strangerTakesFence:
            harmLedger(fault)
        }
    }

    private func worker(_ number: Int) -> WorkerProcess { world.workers[number % world.workers.count] }
    private func owner(of partition: Int) -> WorkerProcess? {
        world.workers.first { $0.isAlive && $0.believes(partition % world.scenario.partitions) }
    }
    private func broker(_ number: Int) -> BrokerProcess { world.brokers[number % world.brokers.count] }
    private func node(_ number: Int) -> RedisNode { world.nodes[number % world.nodes.count] }
    private var majority: ArraySlice<RedisNode> { world.nodes.prefix(world.nodes.count / 2 + 1) }
    private func end(_ milliseconds: Int64) -> MonotonicTime { world.now + .milliseconds(milliseconds) }

    private func harmProcess(_ fault: Fault) {
        switch fault {
        case .killWorker(let number, let down):
            let worker = worker(number)
            worker.kill()
            world.restart(worker, after: .milliseconds(down))
        case .pauseWorker(let number, let time):
            worker(number).pause(until: end(time))
        case .starveWorker(let number, let time):
            starve(worker(number), until: end(time))
        case .drainWorker(let number, _):
            let worker = worker(number)
            guard worker.isAlive else { return }
            worker.deliver(at: world.now) { worker.core?.drain(worker.now) }
        case .addWorker:
            world.addWorker()
        case .killBroker(let number, let down):
            let broker = broker(number)
            broker.kill()
            world.restart(broker, after: .milliseconds(down))
        case .pauseBroker(let number, let time):
            broker(number).pause(until: end(time))
        default: break
        }
    }

    /// Runs for 10 ms of every 200.
    private func starve(_ worker: WorkerProcess, until end: MonotonicTime) {
        guard world.now < end, !world.isCalm else { return }
        worker.pause(until: world.now + .milliseconds(190))
        world.schedule(at: world.now + .milliseconds(200)) { starve(worker, until: end) }
    }

    private func harmNetwork(_ fault: Fault) {
        switch fault {
        case .cutBroker(let number, let broker, let to, let from, let time):
            cut(.worker(worker(number).index), broker % world.brokers.count, to, from, time)
        case .island(let partition, let broker, let time):
            guard let owner = owner(of: partition) else { return }
            isolate(owner, broker % world.brokers.count, time)
        case .muteOwner(let partition, let broker, let time):
            guard let owner = owner(of: partition) else { return }
            cut(.worker(owner.index), broker % world.brokers.count, true, false, time)
        case .blindBroker(let broker, let time):
            for worker in world.workers {
                cut(.worker(worker.index), broker % world.brokers.count, true, true, time)
            }
        case .cutClient(let number, let broker, let to, let from, let time):
            cut(.client(number % world.clients.count), broker % world.brokers.count, to, from, time)
        case .dropConnection(let number, let broker):
            let links = worker(number).links
            guard !links.isEmpty else { return }
            links[broker % links.count].pipe?.close()
        case .cutRedis(let number, let node, let to, let from, let time):
            worker(number).locks.cut(
                node: node % world.nodes.count, toNode: to, fromNode: from, until: end(time))
        default: break
        }
    }

    private func isolate(_ worker: WorkerProcess, _ broker: Int, _ time: Int64) {
        guard worker.isAlive else { return }
        worker.commits.cut(until: end(time))
        worker.control.cut(until: end(time))
        for node in world.nodes.indices {
            worker.locks.cut(node: node, toNode: true, fromNode: true, until: end(time))
        }
        for other in world.workers {
            for index in world.brokers.indices where (other === worker) != (index == broker) {
                cut(.worker(other.index), index, true, true, time)
            }
        }
    }

    private func cut(_ peer: Pipe.Peer, _ broker: Int, _ up: Bool, _ down: Bool, _ time: Int64) {
        if up { world.network.cut(Network.Way(peer: peer, broker: broker, isUp: true), until: end(time)) }
        if down { world.network.cut(Network.Way(peer: peer, broker: broker, isUp: false), until: end(time)) }
    }

    private func harmRedis(_ fault: Fault) {
        switch fault {
        case .killNode(let number, let down, let losesData):
            kill(node(number), down, losesData)
        case .killMajority(let down, let losesData):
            for node in majority { kill(node, down, losesData) }
        case .pauseNode(let number, let time): node(number).pause(until: end(time))
        case .stepNodeClock(let number, let time): node(number).step(by: time * 1_000)
        case .stepMajority(let time): for node in majority { node.step(by: time * 1_000) }
        case .flushNode(let number): node(number).model.flush()
        case .flushMajority: for node in majority { node.model.flush() }
        case .forgeLease(let partition, let time):
            let token = LeaseToken(rawValue: UInt128(world.random()))
            for node in majority {
                node.model.forge(
                    "stampede:lease:partition:\(partition)", token: token, until: node.clock + time * 1_000)
            }
        case .extendLeases(let time): for node in majority { node.model.extendAll(by: time * 1_000) }
        default: break
        }
    }

    private func kill(_ node: RedisNode, _ down: Int64, _ losesData: Bool) {
        node.stop()
        world.schedule(at: end(down)) { node.start(losingData: losesData) }
    }

    private func strike(_ owner: String, _ mishap: Fault.Mishap, _ time: Int64) {
        guard !world.isCalm, let worker = world.workers.first(where: { $0.name == owner && $0.isAlive })
        else { return }
        switch mishap {
        case .killed:
            worker.kill()
            world.restart(worker, after: .milliseconds(time / 2))
        case .cutOff:
            worker.deliver(at: world.now) { worker.commits.session?.breakAtClient() }
        case .paused:
            worker.pause(until: end(world.scenario.leaseTTL + time))
        }
    }

    private func harmLedger(_ fault: Fault) {
        switch fault {
        case .dropLedger(let number):
            let worker = worker(number)
            worker.deliver(at: world.now) { worker.commits.session?.breakAtClient() }
        case .cutLedger(let number, let time):
            let worker = worker(number)
            guard worker.isAlive else { return }
            worker.commits.cut(until: end(time))
            worker.control.cut(until: end(time))
        case .cutCommits(let number, let time):
            guard worker(number).isAlive else { return }
            worker(number).commits.cut(until: end(time))
        case .stopLedger(let time):
            world.ledger.stop()
            world.schedule(at: end(time)) { [world] in world.ledger?.start() }
        case .slowLedger(let time): world.ledger.slowUntil = end(time)
        case .hangCommits(let time): world.ledger.hang = (end(time), .milliseconds(time))
        case .catchCommit(let partition, let mishap, let time):
            world.ledger.traps.append(
                (partition % world.scenario.partitions, .milliseconds(time), { strike($0, mishap, time) }))
        case .failOver(let time):
            world.ledger.failOver()
            world.ledger.stop()
            world.schedule(at: end(time)) { [world] in world.ledger?.start() }
        case .strangerTakesFence(let partition):
            let owned = world.ledger.model.takeFence(partition % world.scenario.partitions)
            world.judge.tookFence(owned, "a stranger")
        default: break
        }
    }
}
