package import Ledger
import Methods
import PlantedBugs
package import Redlock
import Resilience
package import Sales
package import Wire

extension WorkerCore {
    // MARK: Taking

    /// Called every few milliseconds, and before the first event after a wait.
    package mutating func tick(_ now: MonotonicTime) {
        judgeFitness(now)
        for partition in partitions.indices {
            if partitions[partition].isHeld {
                keepLease(partition, now)
            } else {
                tryToTake(partition, now)
            }
        }
        breakers.tick(now)
        if isLedgerReady { askForResolution() }
        if !isLedgerReady || isStuck(now) { refuseUnsent(now) }
        giveUpIfUnfit(now)
        expireOrders(now)
        tendGates(now)
        tellWatchers(now)
        pull(now)
        goOnDraining(now)
    }

    private mutating func judgeFitness(_ now: MonotonicTime) {
        if let lastTick, now - lastTick >= configuration.ownPause, stoodUntil == nil { stoodUntil = now }
        lastTick = now
        if isLedgerReady { lastReady = now }
        fitness.judge(isWell: silence(now) <= configuration.fitness, now)
    }

    /// A free partition is tried for after a wait that grows with the rank: the first in rank goes first. The lease of a
    /// dead owner is released before; one that is declared dead and lives is shut out by the fence.
    mutating func tryToTake(_ partition: Int, _ now: MonotonicTime) {
        let number = Partition(rawValue: Int16(partition))
        // Asked by a hand-over, too, and the tick may have come before its answer.
        guard partitions[partition].phase == .idle, canTake(now), now >= partitions[partition].notBefore,
            partitions[partition].inFlight == nil, let free = membership.free[number],
            let rank = membership.rank(for: number),
            now >= free.since + configuration.rankDelay * rank + hesitation(free)
        else { return }
        if let dead = free.dead {
            let token = LeaseToken(rawValue: dead.rawValue)
            effects.append(
                .release(Lease(resource: WorkerCore.resource(number), token: token, validUntil: now)))
        }
        partitions[partition].phase = .acquiring
        partitions[partition].epoch &+= 1
        effects.append(.acquire(number, epoch: partitions[partition].epoch))
    }

    private func hesitation(_ free: Membership.Free) -> TimeAmount {
        // Another broker sees its owner, which is probably right. But if it were wrong, nobody would ever come.
        if !free.isAgreed { return configuration.leaseTTL }
        return free.dead == nil ? .zero : configuration.mourning
    }

    /// What a partition's lease is for, as the Redis nodes know it.
    package static func resource(_ partition: Partition) -> String { "partition:\(partition)" }

    package mutating func acquired(
        _ outcome: AcquireOutcome, _ partition: Partition, epoch: UInt32, _ now: MonotonicTime
    ) {
        let index = Int(partition.rawValue)
        guard partitions[index].epoch == epoch else {
            // Given up meanwhile: a lease that nobody waits for is let go.
            if case .acquired(let lease) = outcome { effects.append(.release(lease)) }
            return
        }
        if partitions[index].phase != .acquiring { return reacquired(outcome, index, now) }
        switch outcome {
        case .acquired(let lease):
            partitions[index].lease = lease
            partitions[index].phase = .fencing
            partitions[index].isQuorumLost = false
            partitions[index].isUnseen = false
            setRenewal(index, now)
            effects.append(.takeFence(partition, epoch: epoch))
        case .held(let retryAfter):
            partitions[index].phase = .idle
            let wait = min(retryAfter ?? .milliseconds(100), .milliseconds(200))
            partitions[index].notBefore = now + wait + jitter(.milliseconds(100))
        case .noQuorum:
            partitions[index].phase = .idle
            partitions[index].notBefore = now + .milliseconds(200) + jitter(.milliseconds(200))
        }
    }

    /// The next fence is ours. Its statement is over, so whatever the ledger says from now on is what any older
    /// owner left for good.
    package mutating func tookFence(
        _ ownership: Ownership, epoch: UInt32, sent: MonotonicTime, _ now: MonotonicTime
    ) {
        let index = Int(ownership.partition.rawValue)
        guard partitions[index].epoch == epoch, partitions[index].phase == .fencing else { return }
        partitions[index].fence = ownership.fence
        partitions[index].batch = ownership.batch
        partitions[index].digest = ownership.digest ?? .zero
        partitions[index].target = ownership.last
        partitions[index].checked = sent
        let keepsBook = isPlanted(.keepOldBook) && partitions[index].book.last > 0
        if !keepsBook { partitions[index].book = Book(partition: ownership.partition) }
        partitions[index].soldOut = []
        partitions[index].reopenings = [:]
        partitions[index].open = Layer()
        partitions[index].phase = .loading
        if ownership.last == 0 || keepsBook || isPlanted(.serveBeforeLoaded) { return serve(index, now) }
        effects.append(.load(ownership.partition, epoch: epoch, after: 0))
    }

    /// A chunk of the ledger. Chunks keep every turn short however long the ledger is.
    package mutating func loaded(
        _ entries: [Entry], _ partition: Partition, epoch: UInt32, _ now: MonotonicTime
    ) {
        let index = Int(partition.rawValue)
        guard partitions[index].epoch == epoch, partitions[index].phase == .loading else { return }
        for entry in entries {
            guard entry.sequence == partitions[index].book.last + 1 else {
                effects.append(.note(.badBook(partition)))
                return lose(index, .badBook, now)
            }
            partitions[index].book.apply(entry)
        }
        partitions[index].book.commit(to: partitions[index].book.last)
        if partitions[index].book.last >= partitions[index].target {
            serve(index, now)
        } else if entries.isEmpty {
            effects.append(.note(.badBook(partition)))
            lose(index, .badBook, now)
        } else {
            effects.append(.load(partition, epoch: epoch, after: partitions[index].book.last))
        }
    }

    private mutating func serve(_ index: Int, _ now: MonotonicTime) {
        partitions[index].phase = .owned
        // Who could not pay while nobody owned the partition gets a little more time.
        if let clock {
            let instant = clock.instant(at: now.nanoseconds / 1_000)
            let grace = Int32(configuration.holdGrace.milliseconds / 1_000)
            partitions[index].book.extendOverdue(instant, to: instant.latest + grace)
        }
        for (sale, lane) in partitions[index].book.soldOutSales() {
            partitions[index].soldOut.insert(PartitionState.SaleLaneKey(sale: sale, lane: lane))
        }
        let number = partitions[index].book.partition
        effects.append(.own(number))
        effects.append(.note(.owned(number, partitions[index].fence, entries: partitions[index].book.last)))
    }

    /// The fence could not be taken or the book not be read.
    package mutating func takingFailed(_ partition: Partition, epoch: UInt32, _ now: MonotonicTime) {
        let index = Int(partition.rawValue)
        guard partitions[index].epoch == epoch else { return }
        lose(index, .unfit, now)
    }

    // MARK: Keeping

    private mutating func setRenewal(_ index: Int, _ now: MonotonicTime) {
        // Renewal at a third of the lifetime, a tenth of that early or not at all: leases taken together spread.
        let third = configuration.leaseTTL / 3
        partitions[index].renewAt = now + third - jitter(third / 10)
    }

    private mutating func keepLease(_ index: Int, _ now: MonotonicTime) {
        guard let lease = partitions[index].lease else { return }
        if now >= lease.validUntil {
            // Without a quorum nobody else can take it, and the fence is what keeps second writers out.
            if partitions[index].isQuorumLost {
                if configuration.onQuorumLoss == .refuse { return lose(index, .quorumLost, now) }
            } else if !partitions[index].isUnseen {
                return lose(index, .leaseExpired, now)
            }
        }
        guard now >= partitions[index].renewAt, !partitions[index].isExtending else { return }
        if !isDraining, membership.isUnseen(now, patience: configuration.leaseTTL / 2) {
            // Nobody is sent to whom no broker sees. It keeps its partitions, for it may be the only one, but its leases
            // end, so that another may take them: then the fence has moved.
            partitions[index].isUnseen = true
            partitions[index].renewAt = now + configuration.leaseTTL / 6
            return
        }
        partitions[index].isExtending = true
        let number = Partition(rawValue: Int16(index))
        if now >= lease.validUntil {
            // It cannot be extended any more: its remains are released first, or they would refuse the new one.
            effects.append(.release(lease))
            effects.append(.acquire(number, epoch: partitions[index].epoch))
        } else {
            effects.append(.extend(number, epoch: partitions[index].epoch, lease))
        }
    }

    package mutating func extended(
        _ outcome: ExtendOutcome, _ partition: Partition, epoch: UInt32, _ now: MonotonicTime
    ) {
        let index = Int(partition.rawValue)
        guard partitions[index].epoch == epoch, partitions[index].isHeld else { return }
        partitions[index].isExtending = false
        switch outcome {
        case .extended(let lease):
            partitions[index].lease = lease
            partitions[index].isQuorumLost = false
            partitions[index].isUnseen = false
            setRenewal(index, now)
        case .taken:
            lose(index, .leaseTaken, now)
        case .vanished:
            // The nodes forgot it, nobody took it: take it anew. The fence has not moved, so we go on meanwhile.
            partitions[index].isExtending = true
            if let lease = partitions[index].lease { effects.append(.release(lease)) }
            effects.append(.acquire(partition, epoch: epoch))
        case .noQuorum:
            partitions[index].isQuorumLost = true
            partitions[index].renewAt = now + configuration.leaseTTL / 6
        }
    }

    /// A lease that was lost by its nodes, not to another worker, and tried for anew.
    private mutating func reacquired(_ outcome: AcquireOutcome, _ index: Int, _ now: MonotonicTime) {
        partitions[index].isExtending = false
        switch outcome {
        case .acquired(let lease):
            partitions[index].lease = lease
            partitions[index].isQuorumLost = false
            partitions[index].isUnseen = false
            setRenewal(index, now)
            // The brokers know the old lease's token.
            if partitions[index].phase == .owned { effects.append(.own(Partition(rawValue: Int16(index)))) }
        case .held(.some):
            lose(index, .leaseTaken, now)
        case .held(nil), .noQuorum:
            // No majority holds it for another: votes were split or nodes are away.
            partitions[index].isQuorumLost = true
            partitions[index].renewAt = now + configuration.leaseTTL / 6
        }
    }

    /// The ledger's word on our fences.
    package mutating func checked(
        _ rows: [Ownership], ledger: LedgerTime, sent: MonotonicTime, _ now: MonotonicTime
    ) {
        lastCheck = max(lastCheck, sent)
        stoodUntil = nil
        sample(ledger, sent: sent, now)
        breakers.checked(sent: sent, isStuck: isStuck(now), now)
        for row in rows {
            let index = Int(row.partition.rawValue)
            guard partitions.indices.contains(index) else { continue }
            switch partitions[index].phase {
            case .owned, .loading, .yielding: break
            case .idle, .acquiring, .fencing: continue
            }
            // While an outcome is being resolved it is ourselves who move the fence.
            if case .resolving(let doubtful, _) = transaction, doubtful.contains(index) { continue }
            if row.fence == partitions[index].fence {
                partitions[index].checked = max(partitions[index].checked, sent)
            } else if row.fence > partitions[index].fence {
                lose(index, .fenceMoved, now)
            } else if sent > partitions[index].checked {
                // Asked after the ledger had named our fence, and fences only grow.
                return ledgerWentBack(row.partition, now)
            }
        }
    }

    /// A reading of the ledger's clock that came with an answer.
    package mutating func sample(_ ledger: LedgerTime, sent: MonotonicTime, _ now: MonotonicTime) {
        let asked = isPlanted(.clockWithoutError) ? now : sent
        let (sent, received) = (asked.nanoseconds / 1_000, now.nanoseconds / 1_000)
        if clock == nil {
            clock = LedgerClock(sent: sent, received: received, ledger: ledger)
        } else {
            clock!.add(sent: sent, received: received, ledger: ledger)
        }
    }

    /// Partitions whose fences are to be checked.
    package var held: [Partition] {
        partitions.indices.filter { partitions[$0].isHeld && partitions[$0].fence.rawValue > 0 }
            .map { Partition(rawValue: Int16($0)) }
    }

    // MARK: Losing

    /// Stops serving a partition at once. What is undecided is handed back; what is on its way to the ledger is
    /// answered when its outcome is known.
    package mutating func lose(_ index: Int, _ reason: LossReason, _ now: MonotonicTime) {
        guard partitions[index].phase != .idle else { return }
        let number = Partition(rawValue: Int16(index))
        let fence = partitions[index].fence
        if case .yielding(_, let successor?) = partitions[index].phase {
            answer(successor, index, .notYielded)
        }
        if partitions[index].phase == .owned { effects.append(.disown(number, fence)) }
        if partitions[index].isHeld { effects.append(.note(.lost(number, fence, reason))) }
        if let lease = partitions[index].lease { effects.append(.release(lease)) }
        partitions[index].phase = .idle
        partitions[index].epoch &+= 1
        partitions[index].lease = nil
        partitions[index].isExtending = false
        partitions[index].isQuorumLost = false
        partitions[index].isUnseen = false
        partitions[index].soldOut = []
        partitions[index].reopenings = [:]
        endWatches(of: index)
        returnOpen(index)
        partitions[index].strikes.add(now)
        // Whoever was overtaken stays away for a lease's lifetime: two workers must not duel over fences. Others come
        // back sooner, but never later than that, or the partition would stay without an owner.
        let base = reason == .fenceMoved ? configuration.leaseTTL : .milliseconds(100)
        let pause = partitions[index].strikes.pause(base, atMost: configuration.leaseTTL)
        partitions[index].notBefore = now + pause + jitter(.milliseconds(200))
        leaveToOthers(index, now)
    }

    /// Hands back what was decided but not sent to the ledger.
    private mutating func returnOpen(_ index: Int) {
        dropOpen(index, .returned)
        let undecided = again.filter { $0.partition == index }
        again.removeAll { $0.partition == index }
        for item in undecided { answer(item.to, index, .returned) }
    }

    /// Takes back what was decided but not sent to the ledger.
    package mutating func dropOpen(_ index: Int, _ reply: Reply) {
        let open = partitions[index].open
        partitions[index].open = Layer()
        unsent -= open.entries.count
        dirty.removeAll { $0 == index }
        let keep = partitions[index].inFlight?.entries.last?.sequence ?? partitions[index].book.committed
        partitions[index].book.revert(to: max(keep, partitions[index].book.committed))
        partitions[index].reverts &+= 1
        for waiting in open.waiting { answer(waiting.to, index, reply) }
    }

    /// A worker that does not reach the ledger gives its partitions to one that does. If nobody does, everybody
    /// keeps what they have.
    private mutating func giveUpIfUnfit(_ now: MonotonicTime) {
        guard silence(now) > configuration.giveUpTime,
            membership.live.contains(where: { $0 != configuration.name })
        else { return }
        for index in partitions.indices where partitions[index].isHeld { lose(index, .unfit, now) }
    }

    /// The ledger is another one, or was restored: all fences and books are void.
    package mutating func incarnationChanged(_ now: MonotonicTime) {
        for index in partitions.indices {
            lose(index, .newIncarnation, now)
            // What was on its way went to a ledger that is no more.
            if let layer = partitions[index].inFlight {
                partitions[index].inFlight = nil
                for waiting in layer.waiting { answer(waiting.to, index, .returned) }
            }
        }
        forgetTransaction()
        clock = nil
    }
}
