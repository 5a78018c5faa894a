import Ledger
import Logging
import Methods
import Redlock
import Sales
import Wire
import ZeroMQ

extension Worker {
    /// Does what the core decided, and what that leads to at once.
    func performEffects() {
        var index = 0
        while index < core!.effects.count {
            perform(core!.effects[index])
            index += 1
        }
        core!.effects.removeAll(keepingCapacity: true)
    }

    private func perform(_ effect: WorkerEffect) {
        switch effect {
        case .acquire(let partition, let epoch):
            locks?.acquire(WorkerCore.resource(partition)) { [weak self] outcome in
                self?.core?.acquired(outcome, partition, epoch: epoch, .now())
            }
        case .extend(let partition, let epoch, let lease):
            locks?.extend(lease) { [weak self] outcome in
                self?.core?.extended(outcome, partition, epoch: epoch, .now())
            }
        case .release(let lease):
            release(lease) {}
        case .releaseAndAnswer(let lease, let successor):
            release(lease) { [weak self] in self?.core?.answer(successor, 0, .yielded) }
        case .takeFence(let partition, let epoch):
            takeFence(partition, epoch)
        case .load(let partition, let epoch, let after):
            load(partition, epoch, after)
        case .own(let partition):
            for link in links { claim(partition, to: link) }
        case .disown(let partition, let fence):
            for link in links { link.send(Header(.disown), Disown(partition: partition, fence: fence)) }
        case .renewFences(let held):
            renewFences(held)
        case .checkBatch(let partition, let batch, let fence):
            checkBatch(partition, batch, fence)
        case .askYield(let partition):
            askYield(partition)
        case .beat:
            sendBeats()
        case .sayDraining:
            for link in links { link.send(Header(.drain), Empty()) }
        case .drained:
            leave()
        case .note(let note):
            log(note)
        }
    }

    /// Gives a lease back to the nodes. A worker that leaves waits for it: a lease whose release has not reached them
    /// would keep successors waiting for its end. It ends within the nodes' time limit, whatever they do.
    private func release(_ lease: Lease, then done: @escaping () -> Void) {
        guard let locks else { return }
        releases += 1
        locks.release(lease) { [weak self] in
            done()
            self?.releases -= 1
        }
    }

    private func takeFence(_ partition: Partition, _ epoch: UInt32) {
        guard let connection = control.connection else {
            return core!.takingFailed(partition, epoch: epoch, loop.now)
        }
        let sent = MonotonicTime.now()
        connection.takeFence(partition) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let ownership):
                core?.tookFence(ownership, epoch: epoch, sent: sent, .now())
            case .failure(let error):
                core?.breakers.record(error.outcome, sent: sent, .now())
                logger.warning(
                    "Cannot take a fence", metadata: ["partition": "\(partition)", "error": "\(error)"])
                core?.takingFailed(partition, epoch: epoch, .now())
            }
        }
    }

    private func load(_ partition: Partition, _ epoch: UInt32, _ after: Int64) {
        guard let connection = control.connection else {
            return core!.takingFailed(partition, epoch: epoch, loop.now)
        }
        let sent = MonotonicTime.now()
        connection.loadEntries(of: partition, after: after, limit: configuration.loadChunk) {
            [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let entries):
                core?.loaded(entries, partition, epoch: epoch, .now())
            case .failure(let error):
                core?.breakers.record(error.outcome, sent: sent, .now())
                logger.warning(
                    "Cannot load a book", metadata: ["partition": "\(partition)", "error": "\(error)"])
                core?.takingFailed(partition, epoch: epoch, .now())
            }
        }
    }

    private func renewFences(_ held: [WorkerEffect.HeldFence]) {
        guard let connection = control.connection else { return core!.resolutionFailed() }
        let sent = MonotonicTime.now()
        connection.renewFences(held.map { ($0.partition, $0.fence) }) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let owned):
                core?.renewed(owned, sent: sent, .now())
            case .failure(let error):
                logger.warning("Cannot resolve a transaction yet", metadata: ["error": "\(error)"])
                core?.resolutionFailed()
            }
        }
    }

    private func checkBatch(_ partition: Partition, _ batch: Int64, _ fence: Fence) {
        guard let connection = control.connection else { return core!.resolutionFailed() }
        connection.batchCommitted(partition, batch: batch, fence: fence) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let isCommitted):
                core?.batchChecked(partition, isCommitted: isCommitted, .now())
            case .failure(let error):
                logger.warning("Cannot resolve a transaction yet", metadata: ["error": "\(error)"])
                core?.resolutionFailed()
            }
        }
    }

    /// Asks the owner of a partition for it, through any broker that sees one.
    private func askYield(_ partition: Partition) {
        let joined = links.filter(\.isJoined)
        let seeing = joined.first { core!.membership.sees(ownerOf: partition, $0.session) }
        guard let link = seeing ?? joined.first else {
            return core!.yieldAnswered(partition, isGranted: false, loop.now)
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
        if !link.send(header, YieldPartition(partition: partition, successor: configuration.name)) {
            asked[header.callID] = nil
            core!.yieldAnswered(partition, isGranted: false, loop.now)
        }
    }

    private func log(_ note: WorkerEffect.Note) {
        switch note {
        case .owned(let partition, let fence, let entries):
            logger.info(
                "Serves a partition",
                metadata: ["partition": "\(partition)", "fence": "\(fence)", "entries": "\(entries)"])
        case .lost(let partition, let fence, let reason):
            logger.info(
                "No longer serves a partition",
                metadata: ["partition": "\(partition)", "fence": "\(fence)", "reason": "\(reason.rawValue)"])
        case .resolved(let partition, let committed):
            logger.warning(
                "Resolved a transaction of unknown outcome",
                metadata: ["partition": "\(partition)", "committed": "\(committed)"])
        case .badBook(let partition):
            logger.critical(
                "The ledger of a partition has a gap; run 'stampede audit'",
                metadata: ["partition": "\(partition)"])
        case .wentBack(let partition):
            logger.critical(
                "An older state of the ledger was restored in its place, in the same timeline; restart the brokers",
                metadata: ["partition": "\(partition)"])
        case .offender:
            logger.critical("The ledger refused a request that had passed every check")
        }
    }
}
