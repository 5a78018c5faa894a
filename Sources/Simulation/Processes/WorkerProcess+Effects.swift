import Ledger
import Methods
import Redlock
import Resilience
import Sales
import Wire
import Workers

extension WorkerProcess {
    func perform(_ effect: WorkerEffect) {
        switch effect {
        case .acquire(let partition, let epoch):
            locks.acquire(WorkerCore.resource(partition)) { [self] outcome in
                core.acquired(outcome, partition, epoch: epoch, now)
            }
        case .extend(let partition, let epoch, let lease):
            locks.extend(lease) { [self] outcome in core.extended(outcome, partition, epoch: epoch, now) }
        case .release(let lease):
            locks.release(lease)
        case .releaseAndAnswer(let lease, let successor):
            locks.release(lease) { [self] in core.answer(successor, 0, .yielded) }
        case .takeFence(let partition, let epoch):
            takeFence(partition, epoch)
        case .load(let partition, let epoch, let after):
            load(partition, epoch, after)
        case .renewFences(let held):
            renewFences(held)
        case .checkBatch(let partition, let batch, let fence):
            checkBatch(partition, batch, fence)
        case .own(let partition):
            world.judge.believes(self, Int(partition.rawValue))
            for link in links { claim(partition, link) }
        case .disown(let partition, let fence):
            for link in links {
                link.send(
                    Message(
                        header: Header(.disown), body: .disown(Disown(partition: partition, fence: fence))))
            }
        case .askYield(let partition):
            askYield(partition)
        case .beat:
            break
        case .sayDraining:
            for link in links { link.send(Message(header: Header(.drain))) }
        case .drained:
            leave()
        case .note(let note):
            world.judge.noted(note, by: self)
        }
    }

    private func takeFence(_ partition: Partition, _ epoch: UInt32) {
        guard let session = control.session else { return core.takingFailed(partition, epoch: epoch, now) }
        let sent = now
        session.send(.takeFence(Int(partition.rawValue))) { [self] outcome in
            guard case .answer(.owned(let owned)) = outcome, let ownership = owned.first else {
                core.breakers.record(.unreachable, sent: sent, now)
                return core.takingFailed(partition, epoch: epoch, now)
            }
            core.tookFence(ownership, epoch: epoch, sent: sent, now)
        }
    }

    private func load(_ partition: Partition, _ epoch: UInt32, _ after: Int64) {
        guard let session = control.session else { return core.takingFailed(partition, epoch: epoch, now) }
        let sent = now
        session.send(.load(Int(partition.rawValue), after: after, limit: 16)) { [self] outcome in
            guard case .answer(.entries(let entries)) = outcome else {
                core.breakers.record(.unreachable, sent: sent, now)
                return core.takingFailed(partition, epoch: epoch, now)
            }
            core.loaded(entries, partition, epoch: epoch, now)
        }
    }

    private func renewFences(_ held: [WorkerEffect.HeldFence]) {
        guard let session = control.session else { return core.resolutionFailed() }
        let sent = now
        session.send(.renewFences(held.map { (Int($0.partition.rawValue), $0.fence.rawValue) })) {
            [self] outcome in
            guard case .answer(.owned(let owned)) = outcome else { return core.resolutionFailed() }
            core.renewed(owned, sent: sent, now)
        }
    }

    private func checkBatch(_ partition: Partition, _ batch: Int64, _ fence: Fence) {
        guard let session = control.session else { return core.resolutionFailed() }
        session.send(.hasBatch(Int(partition.rawValue), batch, fence.rawValue)) { [self] outcome in
            guard case .answer(.boolean(let isCommitted)) = outcome else { return core.resolutionFailed() }
            core.batchChecked(partition, isCommitted: isCommitted, now)
        }
    }

    private func askYield(_ partition: Partition) {
        let joined = links.filter(\.isJoined)
        let seeing = joined.first { core.membership.sees(ownerOf: partition, $0.session) }
        guard let link = seeing ?? joined.first else {
            return core.yieldAnswered(partition, isGranted: false, now)
        }
        var header = Header(.call)
        header.flags = [.end, .keyed, .partition]
        header.priority = .system
        header.callID = nextCallID
        header.milliseconds = 2_000
        header.method = SystemMethods.yield.id
        header.routing = RoutingKey(sale: Int64(partition.rawValue), lane: 0)
        nextCallID += 1
        asked[header.callID] = partition
        link.send(
            Message(header: header, body: .yield(YieldPartition(partition: partition, successor: name))))
    }
}
