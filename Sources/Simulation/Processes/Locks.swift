import PlantedBugs
import Redis
import Redlock
import Wire
import Workers

/// A worker's lock manager: Redlock's core on the modelled nodes, as `Redlock/Shell` runs it on real ones.
final class Locks {
    private unowned let worker: WorkerProcess
    private var core: RedlockCore?
    private var links: [RedisLink] = []
    private var nextID: UInt64 = 1
    private var acquiring: [UInt64: (AcquireOutcome) -> Void] = [:]
    private var extending: [UInt64: (ExtendOutcome) -> Void] = [:]
    private var releasing: [UInt64: () -> Void] = [:]
    private var wakes = MonotonicTime.distantFuture

    init(_ worker: WorkerProcess) { self.worker = worker }

    private var world: World { worker.world }

    /// Leases are reckoned by a clock that nobody steps.
    private var now: MonotonicTime {
        isPlanted(.validityByWallClock) ? worker.now + worker.wallOffset : worker.now
    }

    func begin() {
        let addresses = world.nodes.indices.map { index in
            do throws(RedisError) { return try RedisAddress("unix:/node-\(index)") } catch {
                preconditionFailure("\(error)")
            }
        }
        core = RedlockCore(
            nodes: addresses, configuration: LockConfiguration(ttl: worker.leaseTTL), seed: world.random())
        links = world.nodes.enumerated().map { index, node in
            RedisLink(
                worker, node,
                ready: { [unowned self] info in
                    core!.connected(index, info, now)
                    perform()
                },
                lost: { [unowned self] in
                    core!.lost(index, now)
                    perform()
                })
        }
    }

    func abandon() {
        for link in links { link.abandon() }
        (links, core) = ([], nil)
        (acquiring, extending, releasing) = ([:], [:], [:])
        wakes = .distantFuture
    }

    func tick() { for link in links { link.tend() } }

    // MARK: Leases

    func acquire(_ resource: String, _ completion: @escaping (AcquireOutcome) -> Void) {
        let id = newID()
        acquiring[id] = completion
        let token = LeaseToken(rawValue: UInt128(world.random()) << 64 | UInt128(world.random()))
        core!.acquire(resource, token: token, id: id, now)
        perform()
    }

    func extend(_ lease: Lease, _ completion: @escaping (ExtendOutcome) -> Void) {
        let id = newID()
        extending[id] = completion
        core!.extend(lease, id: id, now)
        perform()
    }

    func release(_ lease: Lease, _ completion: (() -> Void)? = nil) {
        let id = completion.map { completion in
            let id = newID()
            releasing[id] = completion
            return id
        }
        world.judge.released(lease)
        core!.release(lease, id: id, now)
        perform()
    }

    private func newID() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    // MARK: Effects

    private func perform() {
        while true {
            let effects = core!.takeEffects()
            guard !effects.isEmpty else { break }
            for effect in effects { perform(effect) }
        }
        schedule()
    }

    private func perform(_ effect: RedlockEffect) {
        switch effect {
        case .send(let command, let node):
            links[node].send(command) { [unowned self] reply in
                core!.replied(command, by: node, reply, now)
                perform()
            }
        case .inspect(let node):
            links[node].inspect { [unowned self] info in
                core!.inspected(node, info, now)
                perform()
            }
        // Completions are never called from within the call that they belong to.
        case .acquired(let id, let outcome):
            guard let completion = acquiring.removeValue(forKey: id) else { return }
            switch outcome {
            case .acquired(let lease): world.judge.granted(lease, to: worker)
            case .noQuorum: world.judge.note(.majorityLost)
            case .held: break
            }
            worker.after(.zero) { completion(outcome) }
        case .extended(let id, let outcome):
            guard let completion = extending.removeValue(forKey: id) else { return }
            switch outcome {
            case .extended(let lease): world.judge.granted(lease, to: worker)
            case .noQuorum: world.judge.note(.majorityLost)
            case .taken, .vanished: break
            }
            worker.after(.zero) { completion(outcome) }
        case .released(let id):
            guard let completion = releasing.removeValue(forKey: id) else { return }
            worker.after(.zero, completion)
        case .note(.clockSet, of: _): worker.core?.verifyLeases(now)
        case .note: break
        }
    }

    private func schedule() {
        guard let wake = core!.wakeTime, wake < wakes else { return }
        wakes = wake
        worker.after(max(.zero, wake - now)) { [unowned self] in
            wakes = .distantFuture
            core?.tick(now)
            if core != nil { perform() }
        }
    }

    // MARK: Faults

    func cut(node: Int, toNode: Bool, fromNode: Bool, until end: MonotonicTime) {
        guard links.indices.contains(node) else { return }
        if toNode { links[node].cutToNode = end }
        if fromNode { links[node].cutFromNode = end }
    }

    func heal() {
        for link in links { (link.cutToNode, link.cutFromNode) = (.distantPast, .distantPast) }
    }
}
