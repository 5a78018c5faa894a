package import Methods
package import Sales
package import Wire

extension WorkerCore {
    // MARK: Pulling

    /// Asks for the first partition that should be ours and is another's: pull, not push, one at a time, and not
    /// while workers come and go.
    mutating func pull(_ now: MonotonicTime) {
        guard !isDraining, asked == nil, isFit(now), isChecked(now), isLedgerReady,
            membership.age(now) >= configuration.settling
        else { return }
        for index in partitions.indices where partitions[index].phase == .idle {
            let number = Partition(rawValue: Int16(index))
            guard now >= partitions[index].notBefore, now >= partitions[index].asksFrom,
                membership.free[number]?.isAgreed != true,
                membership.isOurs(number)
            else { continue }
            asked = number
            effects.append(.askYield(number))
            return
        }
    }

    /// The owner's answer.
    package mutating func yieldAnswered(_ partition: Partition, isGranted: Bool, _ now: MonotonicTime) {
        asked = nil
        if isGranted {
            membership.release(partition)
            tryToTake(Int(partition.rawValue), now)
        } else {
            // Only asking waits: should the owner be gone, the partition is free for us.
            partitions[Int(partition.rawValue)].asksFrom =
                now + .milliseconds(500) + jitter(.milliseconds(500))
        }
    }

    // MARK: Giving

    /// A successor asks for a partition. It gets it if it ranks before us; one hand-over at a time, but to every
    /// successor its own while we drain.
    package mutating func yield(_ request: YieldPartition, to: ReplyAddress, _ now: MonotonicTime) {
        let index = Int(request.partition.rawValue)
        guard partitions.indices.contains(index), partitions[index].phase == .owned else {
            return answer(to, index, .returned)
        }
        guard isDraining || !isYielding, isBefore(request.successor, request.partition) else {
            return answer(to, index, .notYielded)
        }
        lastGiven = now
        beginYielding(index, .yielded, to: to, now)
    }

    private var isYielding: Bool {
        partitions.contains {
            if case .yielding = $0.phase { return true }
            return false
        }
    }

    /// Whether a successor comes before us. While we drain, whoever is live does.
    private func isBefore(_ successor: String, _ partition: Partition) -> Bool {
        guard successor != configuration.name,
            let theirs = membership.rank(of: successor, for: partition)
        else { return false }
        return isDraining || theirs < membership.rank(for: partition) ?? .max
    }

    private mutating func beginYielding(
        _ index: Int, _ reason: LossReason, to: ReplyAddress?, _ now: MonotonicTime
    ) {
        effects.append(.disown(Partition(rawValue: Int16(index)), partitions[index].fence))
        partitions[index].phase = .yielding(reason, to: to)
        partitions[index].soldOut = []
        partitions[index].reopenings = [:]
        endWatches(of: index)
        finishIfYielding(index, now)
    }

    /// Releases a partition that is being given up, once everything that was decided has been answered.
    package mutating func finishIfYielding(_ index: Int, _ now: MonotonicTime) {
        guard case .yielding(let reason, let successor) = partitions[index].phase,
            partitions[index].open.isEmpty, partitions[index].inFlight == nil
        else { return }
        let undecided = again.filter { $0.partition == index }
        again.removeAll { $0.partition == index }
        for item in undecided { answer(item.to, index, .returned) }
        effects.append(.note(.lost(Partition(rawValue: Int16(index)), partitions[index].fence, reason)))
        if let lease = partitions[index].lease {
            if let successor {
                effects.append(.releaseAndAnswer(lease, successor))
            } else {
                effects.append(.release(lease))
            }
        }
        partitions[index].phase = .idle
        partitions[index].epoch &+= 1
        partitions[index].lease = nil
        partitions[index].isExtending = false
        partitions[index].notBefore = now + .seconds(1)
        partitions[index].strikes.add(now)
        leaveToOthers(index, now)
    }

    /// Whoever has lost a partition or given it away does not ask for it soon, and ever less soon if that happens again
    /// and again, so that it does not go to and fro.
    mutating func leaveToOthers(_ index: Int, _ now: MonotonicTime) {
        let pause = partitions[index].strikes.pause(.seconds(1), atMost: configuration.longestRestraint)
        partitions[index].asksFrom = now + pause + jitter(.milliseconds(500))
    }

    // MARK: Draining

    /// Gives everything up in good order: serves on until its successors have asked for every partition, as they do
    /// once the brokers no longer count us as live.
    package mutating func drain(_ now: MonotonicTime) {
        guard !isDraining else { return }
        isDraining = true
        drainBegan = now
        lastGiven = now
        effects.append(.sayDraining)
        for index in partitions.indices {
            switch partitions[index].phase {
            case .acquiring, .fencing, .loading: lose(index, .draining, now)
            case .idle, .owned, .yielding: break
            }
        }
        goOnDraining(now)
    }

    /// Who has no successor, or has waited in vain for one to ask, leaves its partitions to whoever comes.
    mutating func goOnDraining(_ now: MonotonicTime) {
        guard isDraining else { return }
        let hasSuccessor = membership.live.contains { $0 != configuration.name }
        if !hasSuccessor || now - lastGiven > configuration.drainPatience
            || now - drainBegan > configuration.longestDrain
        {
            for index in partitions.indices where partitions[index].phase == .owned {
                beginYielding(index, .draining, to: nil, now)
            }
        }
        let isDone = partitions.allSatisfy { $0.phase == .idle && $0.inFlight == nil }
        // A ledger that is gone tells no outcome: whoever waits for one settles it with the next owner.
        guard isDone || now - drainBegan > configuration.longestDrain + .seconds(5) else { return }
        effects.append(.drained)
    }
}
