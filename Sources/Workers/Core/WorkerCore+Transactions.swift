package import Ledger
import PlantedBugs
import Receipts
import Resilience
package import Sales
package import Wire

extension WorkerCore {
    /// What to commit next, or nil: one transaction is on its way at a time, and the next fills meanwhile.
    package mutating func nextTransaction(_ now: MonotonicTime) -> [Batch]? {
        guard transaction == .none, isLedgerReady else { return nil }
        decideAgain(now)
        tendWaiting(now)
        guard !dirty.isEmpty else { return nil }
        // In order of their number, as the ledger locks them.
        dirty.sort()
        var batches: [Batch] = []
        var chosen: [Int] = []
        for partition in dirty where !partitions[partition].open.entries.isEmpty {
            partitions[partition].batch += 1
            batches.append(sealedBatch(partition))
            partitions[partition].inFlight = partitions[partition].open
            partitions[partition].open = Layer()
            chosen.append(partition)
        }
        dirty.removeAll(keepingCapacity: true)
        unsent = 0
        guard !batches.isEmpty else { return nil }
        transaction = .sent(partitions: chosen)
        transactionSent = now
        breakers.transactionSent(now)
        return batches
    }

    /// The open layer as a batch. From here on its entries are final.
    private mutating func sealedBatch(_ partition: Int) -> Batch {
        var batch = Batch(
            partition: Partition(rawValue: Int16(partition)), fence: partitions[partition].fence,
            number: partitions[partition].batch, entries: partitions[partition].open.entries)
        let before = partitions[partition].digest
        batch.seal(after: before, in: incarnation)
        partitions[partition].digestBefore = before
        partitions[partition].digest = batch.seal?.digest ?? before
        return batch
    }

    /// Decides what was taken back, as many as the present limit allows.
    private mutating func decideAgain(_ now: MonotonicTime) {
        // Some make no entry. When all do, the next ones' turn has come: no outcome will bring it.
        while !again.isEmpty, dirty.isEmpty {
            let number = min(againLimit, again.count)
            let next = Array(again[..<number])
            // While more wait, new requests still queue up behind them.
            let rest = Array(again[number...])
            again = []
            for item in next { receive(item.request, for: item.partition, to: item.to, now) }
            again = rest
        }
        if again.isEmpty, againLimit < configuration.maximumEntries {
            againLimit = configuration.maximumEntries
        }
    }

    // MARK: Outcomes

    /// The transaction is in the ledger. `sent` is when it was sent: a commit is a fence check, too.
    package mutating func committed(sent: MonotonicTime, _ now: MonotonicTime) {
        guard case .sent(let chosen) = transaction else { return }
        transaction = .none
        againLimit = min(againLimit * 2, configuration.maximumEntries)
        breakers.transactionEnded(.success, now)
        for partition in chosen {
            partitions[partition].checked = max(partitions[partition].checked, sent)
            settle(partition, now)
        }
    }

    /// The layer on its way has committed: its answers leave.
    private mutating func settle(_ partition: Int, _ now: MonotonicTime) {
        guard let layer = partitions[partition].inFlight else { return }
        partitions[partition].inFlight = nil
        let last = layer.entries.last?.sequence ?? partitions[partition].book.committed
        var soldOut = partitions[partition].soldOut
        partitions[partition].book.commit(
            to: last,
            emptied: { soldOut.insert(PartitionState.SaleLaneKey(sale: $0, lane: $1)) },
            stocked: { soldOut.remove(PartitionState.SaleLaneKey(sale: $0, lane: $1)) })
        if soldOut != partitions[partition].soldOut { soldOutChanged(to: soldOut, partition, now) }
        for waiting in layer.waiting { release(waiting, partition, now) }
        finishIfYielding(partition, now)
    }

    /// The layer on its way did not commit: it and all above it are dropped and decided again.
    private mutating func takeBack(_ partition: Int, _ now: MonotonicTime) {
        guard let layer = partitions[partition].inFlight else { return }
        partitions[partition].inFlight = nil
        partitions[partition].batch -= 1
        partitions[partition].digest = partitions[partition].digestBefore
        let open = partitions[partition].open
        partitions[partition].open = Layer()
        unsent -= open.entries.count
        dirty.removeAll { $0 == partition }
        partitions[partition].book.revert(to: partitions[partition].book.committed)
        partitions[partition].reverts &+= 1
        let undone = layer.waiting + open.waiting
        guard partitions[partition].phase == .owned else {
            // Nobody decides for this partition here any more.
            for waiting in undone { answer(waiting.to, partition, .returned) }
            return finishIfYielding(partition, now)
        }
        let undecided = undone.map { Undecided(partition: partition, to: $0.to, request: $0.request) }
        again.insert(contentsOf: undecided, at: 0)
    }

    /// Nothing was written: these partitions are not ours under this fence, or their batch number is known. New
    /// fences tell; the rest is decided again without them.
    package mutating func fenced(_ lost: [Partition], _ now: MonotonicTime) {
        guard case .sent(let chosen) = transaction else { return }
        breakers.transactionEnded(.success, now)
        let doubtful = Set(lost.map { Int($0.rawValue) })
        for partition in chosen where !doubtful.contains(partition) { takeBack(partition, now) }
        resolve(chosen.filter(doubtful.contains), now)
    }

    /// Nothing was written, because it was decided too long ago.
    package mutating func stale(_ now: MonotonicTime) {
        guard case .sent(let chosen) = transaction else { return }
        transaction = .none
        breakers.transactionEnded(.success, now)
        guard !chosen.isEmpty else { return }
        // Our idea of the ledger's clock may be to blame: nothing is decided by it until a check has renewed it.
        clock = nil
        for partition in chosen { takeBack(partition, now) }
    }

    /// Nothing was written: one of the entries cannot be stored. Halves find the one.
    package mutating func refused(_ now: MonotonicTime) {
        guard case .sent(let chosen) = transaction else { return }
        transaction = .none
        breakers.transactionEnded(.success, now)
        guard !chosen.isEmpty else { return }
        let number = chosen.reduce(0) { $0 + (partitions[$1].inFlight?.entries.count ?? 0) }
        if number == 1, let partition = chosen.first { return condemn(partition, now) }
        let requests = chosen.reduce(0) {
            $0 + (partitions[$1].inFlight?.waiting.count { $0.isOwnEntry } ?? 0)
        }
        againLimit = max(1, requests / 2)
        for partition in chosen {
            let unasked = unasked(partition)
            takeBack(partition, now)
            for item in unasked {
                suspects.append((partition, item.about, item.isWait))
                leaveAside(item, partition)
            }
        }
    }

    /// The single entry of the transaction is the offender: its request ends as INTERNAL, the others are decided
    /// again.
    private mutating func condemn(_ partition: Int, _ now: MonotonicTime) {
        guard let index = partitions[partition].inFlight?.waiting.firstIndex(where: \.isOwnEntry) else {
            // Nobody asked for it: a hold that ran out, or a wait.
            let unasked = unasked(partition)
            effects.append(.note(.offender))
            takeBack(partition, now)
            for item in unasked { leaveAside(item, partition) }
            return
        }
        let offender = partitions[partition].inFlight!.waiting.remove(at: index)
        answer(offender.to, partition, .broken)
        effects.append(.note(.offender))
        takeBack(partition, now)
    }

    /// Nothing was written, and not for a reason of ours: the requests are refused as not executed.
    package mutating func failed(isOutage: Bool, _ now: MonotonicTime) {
        guard case .sent(let chosen) = transaction else { return }
        transaction = .none
        breakers.transactionEnded(isOutage ? .unreachable : .ignored, now)
        guard !chosen.isEmpty else { return }
        for partition in chosen { takeBack(partition, now) }
        if isOutage { refuseUndecided() }
    }

    /// The ledger is gone or stuck: whoever waits for a transaction that was not sent would wait for as long.
    package mutating func refuseUnsent(_ now: MonotonicTime) {
        for partition in dirty {
            dropOpen(partition, .unavailable(.ledger))
            finishIfYielding(partition, now)
        }
        refuseUndecided()
    }

    private mutating func refuseUndecided() {
        let refused = again
        again = []
        for item in refused { answer(item.to, item.partition, .unavailable(.ledger)) }
    }

    /// The connection was lost after the transaction was sent: it may be in the ledger, or may yet get there.
    package mutating func unknown(_ now: MonotonicTime) {
        if isPlanted(.lostCommitIsFailure) { return failed(isOutage: true, now) }
        if isPlanted(.resendAfterLostCommit), case .sent(let chosen) = transaction {
            transaction = .none
            for partition in chosen { takeBack(partition, now) }
            return
        }
        guard case .sent(let chosen) = transaction else { return }
        breakers.transactionEnded(.unreachable, now)
        resolve(chosen, now)
    }

    private mutating func resolve(_ doubtful: [Int], _ now: MonotonicTime) {
        guard !doubtful.isEmpty else {
            transaction = .none
            return
        }
        transaction = .resolving(partitions: doubtful, unanswered: 0)
        askForResolution()
    }

    /// Takes new fences, which waits for the old transaction, shuts out every later one, and tells the number of
    /// the last batch.
    package mutating func askForResolution() {
        guard case .resolving(let doubtful, unanswered: 0) = transaction, isLedgerReady else { return }
        transaction = .resolving(partitions: doubtful, unanswered: 1)
        effects.append(
            .renewFences(
                doubtful.map {
                    WorkerEffect.HeldFence(
                        partition: Partition(rawValue: Int16($0)), fence: partitions[$0].fence)
                }))
    }

    /// New fences, where the old ones were still ours.
    package mutating func renewed(_ held: [Ownership], sent: MonotonicTime, _ now: MonotonicTime) {
        guard case .resolving(let doubtful, let unanswered) = transaction, unanswered > 0 else { return }
        var unresolved: [Int] = []
        for partition in doubtful {
            let number = Partition(rawValue: Int16(partition))
            guard let ours = held.first(where: { $0.partition == number }) else {
                unresolved.append(partition)
                effects.append(
                    .checkBatch(number, batch: partitions[partition].batch, partitions[partition].fence))
                continue
            }
            let batch = partitions[partition].batch
            // It holds neither what was sent nor what was before: an older state was restored.
            guard ours.batch == batch || ours.batch == batch - 1 else {
                goOnResolving([], unanswered: unanswered - 1)
                return ledgerWentBack(number, now)
            }
            let isCommitted = ours.batch == batch && !isPlanted(.forgetBatchNumber)
            partitions[partition].fence = ours.fence
            partitions[partition].checked = sent
            if partitions[partition].phase == .owned { effects.append(.own(number)) }
            effects.append(.note(.resolved(number, committed: isCommitted)))
            if isCommitted { settle(partition, now) } else { takeBack(partition, now) }
            // What the ledger says counts: should ours be another, no batch would ever follow it.
            partitions[partition].digest = ours.digest ?? .zero
        }
        goOnResolving(unresolved, unanswered: unanswered - 1 + unresolved.count)
    }

    /// The question could not be asked, or its answer was lost. It is asked again.
    package mutating func resolutionFailed() {
        guard case .resolving(let doubtful, let unanswered) = transaction, unanswered > 0 else { return }
        goOnResolving(doubtful, unanswered: unanswered - 1)
    }

    /// The partition is somebody else's by now, and this is how its last batch ended. A batch that did not commit
    /// never will: its requests are handed back, never refused.
    package mutating func batchChecked(_ partition: Partition, isCommitted: Bool, _ now: MonotonicTime) {
        guard case .resolving(let doubtful, let unanswered) = transaction, unanswered > 0 else { return }
        let index = Int(partition.rawValue)
        goOnResolving(doubtful.filter { $0 != index }, unanswered: unanswered - 1)
        guard doubtful.contains(index) else { return }
        effects.append(.note(.resolved(partition, committed: isCommitted)))
        lose(index, .fenceMoved, now)
        if isCommitted { settle(index, now) } else { takeBack(index, now) }
    }

    /// What was on its way is nobody's any more. Its outcome may still come, and must not be taken for that of
    /// the next transaction: nothing is sent before it has.
    package mutating func forgetTransaction() {
        switch transaction {
        case .none: break
        case .sent: transaction = .sent(partitions: [])
        case .resolving(_, let unanswered): goOnResolving([], unanswered: unanswered)
        }
    }

    private mutating func goOnResolving(_ doubtful: [Int], unanswered: Int) {
        transaction =
            doubtful.isEmpty && unanswered == 0
            ? .none : .resolving(partitions: doubtful, unanswered: unanswered)
    }
}
