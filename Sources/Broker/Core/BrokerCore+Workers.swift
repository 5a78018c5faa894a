package import Methods
import PlantedBugs
import Sales
package import Wire

extension BrokerCore {
    // MARK: Sessions

    /// A worker begins a session.
    ///
    /// - Returns: false when it does not fit this broker's cluster or there is no room.
    package mutating func ready(_ ready: Ready, from identity: PeerIdentity, _ now: MonotonicTime) -> Bool {
        if let known = workerIndex[identity] { workerLost(known, now) }
        guard workerIndex.count < configuration.maximumWorkers,
            0...Int32(Int16.max) ~= ready.partitions
        else { return false }
        // A worker that owns nothing need not know the cluster's partitions.
        if ready.partitions > 0 {
            if partitions.isEmpty {
                partitions = Array(repeating: PartitionState(), count: Int(ready.partitions))
                partitionHash = ready.hash
                incarnation = ready.incarnation
            }
            guard partitions.count == Int(ready.partitions), partitionHash == ready.hash else {
                return false
            }
        }
        let state = WorkerState(identity: identity, ready: ready, now: now)
        let index: Int32
        if let free = workers.firstIndex(where: { $0 == nil }) {
            workers[free] = state
            workerNames[free] = ready.name
            index = Int32(free)
        } else {
            workers.append(state)
            workerNames.append(ready.name)
            index = Int32(workers.count - 1)
        }
        workerIndex[identity] = index
        effects.append(.workerJoined(worker: index))
        healthMayHaveChanged()
        judgeWaiting(now)
        if !partitions.isEmpty { placeEarlyCalls(now) }
        return true
    }

    /// The session of this identity, refreshed; a peer without one is told to begin anew.
    package mutating func worker(_ identity: PeerIdentity, _ now: MonotonicTime) -> Int32? {
        if workers.indices.contains(Int(recentWorker)),
            workers[Int(recentWorker)]?.isHeard(identity, now) == true
        {
            return recentWorker
        }
        guard let index = workerIndex[identity] else {
            effects.append(.goAway(identity))
            return nil
        }
        recentWorker = index
        workers[Int(index)]!.lastSeen = now
        return index
    }

    /// The worker is gone or silent. Calls that it had may have run: those with a request key are sent to the
    /// next owner, which answers the same; the others end as "maybe".
    package mutating func workerLost(_ worker: Int32, _ now: MonotonicTime) {
        guard let state = workers[Int(worker)] else { return }
        for key in state.gates { gates[key] = nil }
        workers[Int(worker)]!.gates = []
        for index in partitions.indices where partitions[index].owner == worker {
            partitions[index].owner = -1
            partitions[index].holder = nil
        }
        // Its calls are routed by what holds without it.
        judgeWaiting(now, without: worker)
        while true {
            guard let slot = workers[Int(worker)]?.inFlight.first, slot >= 0 else { break }
            handedToNobody(slot, now)
        }
        for priority in workers[Int(worker)]!.waiting.indices {
            while true {
                guard let slot = workers[Int(worker)]?.waiting[priority].first, slot >= 0 else { break }
                unlink(slot)
                reroute(slot, now)
            }
        }
        effects.append(.workerLost(worker: worker))
        healthMayHaveChanged()
        workerIndex[state.identity] = nil
        workers[Int(worker)] = nil
        catalog.forget(methodsWithout: workers)
        // A worker that called, too: nobody is left to hear the answers.
        if let client = clientIndex[ClientState.Key(identity: state.identity, isWorker: true)] {
            clientLost(client)
        }
    }

    /// A call in flight lost its worker, which may have run it.
    private mutating func handedToNobody(_ slot: Int32, _ now: MonotonicTime) {
        unlink(slot)
        table[slot].isMaybe = true
        table.renew(slot)
        table[slot].losses += 1
        guard table[slot].partition >= 0, table[slot].isRepeatable, table[slot].losses < Call.maximumLosses
        else {
            return fail(slot, .unavailable, .ownerLost, retryAfter: .milliseconds(50))
        }
        route(slot, now)
    }

    private mutating func reroute(_ slot: Int32, _ now: MonotonicTime) {
        guard table[slot].partition >= 0 else {
            return fail(slot, .unavailable, .ownerLost, retryAfter: .milliseconds(50))
        }
        route(slot, now)
    }

    /// A beat goes out: its stamp is also the question whether the worker reads.
    package mutating func askedWorker(_ worker: Int, _ stamp: MonotonicTime) {
        guard workers[worker]!.reading.question == 0, workers[worker]!.reading.unread > 0 else { return }
        workers[worker]!.reading.ask(UInt64(bitPattern: stamp.nanoseconds))
    }

    /// A worker describes a method that it has.
    package mutating func describe(_ description: MethodDescription, from worker: Int32) {
        guard workers[Int(worker)]!.methods.contains(MethodID(description.name)) else { return }
        catalog.describe(description)
        healthMayHaveChanged()
    }

    /// Whether calls may wait for an owner. They may while there is nobody, for somebody may come, and while anybody could
    /// become it or has only just begun. When all that are there could, and cannot any more, the ledger is gone for all
    /// of them: nobody takes a partition before it is back, and who waits had better hear it at once.
    private mutating func judgeWaiting(_ now: MonotonicTime, without lost: Int32 = -1) {
        var anyCannot = false
        var anyMay = false
        for index in workers.indices where Int32(index) != lost {
            guard workers[index]?.canOwn == true, workers[index]?.isDraining == false else { continue }
            if mayTake(index, now) {
                anyMay = true
                break
            }
            anyCannot = true
        }
        isWaitingInVain = anyCannot && !anyMay
        guard isWaitingInVain, parkedCount > 0 else { return }
        for partition in partitions.indices {
            while partitions[partition].parked.first >= 0 {
                fail(
                    partitions[partition].parked.first, .unavailable, .noOwner,
                    retryAfter: .milliseconds(500))
            }
        }
    }

    /// Whether a worker could become an owner, or has not been here for long enough to know.
    private func mayTake(_ index: Int, _ now: MonotonicTime) -> Bool {
        workers[index]?.canTake == true
            || workers[index]?.couldTake == false
                && now - (workers[index]?.joinedAt ?? now) < configuration.parkingTime
    }

    package mutating func drain(_ worker: Int32) {
        workers[Int(worker)]!.isDraining = true
        healthMayHaveChanged()
    }

    // MARK: Beats and gates

    /// A worker's heartbeat. `stamp` is the broker's own clock as it stood in the beat that is echoed.
    package mutating func beat(
        _ beat: WorkerBeat, stamp: MonotonicTime, from worker: Int32, _ now: MonotonicTime
    ) {
        let notServing = Set(beat.notServing)
        if workers[Int(worker)]!.isFit != beat.isFit || workers[Int(worker)]!.notServing != notServing {
            healthMayHaveChanged()
        }
        workers[Int(worker)]!.isFit = beat.isFit
        workers[Int(worker)]!.canTake = beat.canTake
        if beat.canTake { workers[Int(worker)]!.couldTake = true }
        if !beat.canTake || isWaitingInVain { judgeWaiting(now) }
        workers[Int(worker)]!.leaseLeft = beat.leaseLeft
        workers[Int(worker)]!.notServing = notServing
        // Whoever has read a beat has read what was sent before it.
        workers[Int(worker)]!.reading.answered(since: UInt64(bitPattern: stamp.nanoseconds))
        // A stamp from the future is not ours; one older than the lease closes nothing.
        guard stamp <= now else { return }
        close(beat.gates, until: stamp + configuration.gateLease, by: worker)
    }

    /// Replaces the gates that a worker keeps closed: what it no longer lists is open at once.
    private mutating func close(_ listed: [ClosedGate], until lapses: MonotonicTime, by worker: Int32) {
        for key in workers[Int(worker)]!.gates where gates[key]?.worker == worker { gates[key] = nil }
        workers[Int(worker)]!.gates = []
        for gate in listed { close(gate, until: lapses, by: worker) }
    }

    private mutating func close(_ gate: ClosedGate, until lapses: MonotonicTime, by worker: Int32) {
        let partition = Int(gate.partition.rawValue)
        guard partitions.indices.contains(partition), partitions[partition].owner == worker,
            partitions[partition].fence == gate.fence,
            gate.routing.partition(of: partitions.count) == partition
        else { return }
        let key = Gate.Key(method: gate.method, routing: gate.routing)
        if let old = gates[key], (old.fence, old.change) > (gate.fence, gate.change) { return }
        gates[key] = Gate(
            worker: worker, partition: gate.partition.rawValue, fence: gate.fence, change: gate.change,
            reason: gate.reason, passes: gate.passes,
            body: gate.outlook.map { BrokerCore.body(of: gate.reason, $0) }, lapses: lapses)
        workers[Int(worker)]!.gates.insert(key)
    }

    /// Written once for all that the gate refuses.
    private static func body(of reason: Reason, _ outlook: Outlook) -> [UInt8] {
        var writer = MessagePackWriter()
        FailureBody(gate: reason, outlook).encode(into: &writer)
        return writer.bytes
    }

    private mutating func openGates(of partition: Int) {
        for (key, gate) in gates where gate.partition == Int16(partition) {
            gates[key] = nil
            workers[Int(gate.worker)]?.gates.remove(key)
        }
    }

    // MARK: Ownership

    /// A worker claims a partition under a fence. The highest fence ever heard wins.
    package mutating func own(_ own: Own, stamp: MonotonicTime, from worker: Int32, _ now: MonotonicTime) {
        let partition = Int(own.partition.rawValue)
        guard partitions.indices.contains(partition), own.fence.rawValue > 0 else { return }
        workers[Int(worker)]!.incarnation = own.incarnation
        if own.incarnation != incarnation { adoptIncarnation(own.incarnation, now) }
        guard own.incarnation == incarnation else { return }
        let (owner, fence) = (partitions[partition].owner, partitions[partition].fence)
        guard own.fence > fence || (own.fence == fence && mayRepeatClaim(of: owner, worker)) else { return }
        if own.fence > fence || owner != worker { openGates(of: partition) }
        partitions[partition].fence = own.fence
        partitions[partition].owner = worker
        partitions[partition].holder = own.holder
        partitions[partition].dead = nil
        if stamp <= now {
            for gate in own.gates { close(gate, until: stamp + configuration.gateLease, by: worker) }
        }
        if owner != worker {
            effects.append(.owned(worker: worker, own.partition, own.fence))
            healthMayHaveChanged()
        }
        if own.fence > fence || owner != worker { takeFromSuperseded(partition, except: worker, now) }
        unpark(partition, now)
    }

    /// A fence is given to one worker only, so a second claim under it is its holder's: from the same session,
    /// or from a new one while the broker has not noticed yet that the old one is dead.
    private func mayRepeatClaim(of owner: Int32, _ worker: Int32) -> Bool {
        owner == worker || owner < 0 || workers[Int(owner)]?.name == workers[Int(worker)]?.name
    }

    /// Another database, or the same after a fail-over: its fences are counted anew, so those of the old one say
    /// nothing. Adopted only when no live worker still has the old one.
    private mutating func adoptIncarnation(_ new: String, _ now: MonotonicTime) {
        guard !workers.contains(where: { $0?.incarnation == incarnation }) else { return }
        incarnation = new
        for partition in partitions.indices {
            openGates(of: partition)
            partitions[partition].owner = -1
            partitions[partition].holder = nil
            partitions[partition].dead = nil
            partitions[partition].fence = Fence(rawValue: 0)
        }
    }

    /// Calls in flight at workers that a higher fence shut out are sent again, to the new owner.
    private mutating func takeFromSuperseded(_ partition: Int, except owner: Int32, _ now: MonotonicTime) {
        for index in workers.indices where Int32(index) != owner {
            guard var slot = workers[index]?.inFlight.first else { continue }
            while slot >= 0 {
                let next = table.places.next(after: slot)
                if table[slot].partition == Int16(partition) { handedToNobody(slot, now) }
                slot = next
            }
            takeWaiting(of: partition, from: Int32(index), now)
        }
    }

    private mutating func takeWaiting(of partition: Int, from worker: Int32, _ now: MonotonicTime) {
        for priority in workers[Int(worker)]!.waiting.indices {
            var leaving: [Int32] = []
            workers[Int(worker)]!.waiting[priority].forEach(table.places) { slot in
                if table[slot].partition == Int16(partition) { leaving.append(slot) }
            }
            for slot in leaving {
                unlink(slot)
                route(slot, now)
            }
        }
    }

    private mutating func unpark(_ partition: Int, _ now: MonotonicTime) {
        while partitions[partition].owner >= 0, partitions[partition].parked.first >= 0 {
            let slot = partitions[partition].parked.first
            unlink(slot)
            route(slot, now)
        }
    }

    /// A worker gives a partition up. Calls that it has stay with it; it will answer or return them.
    package mutating func disown(_ disown: Disown, from worker: Int32, _ now: MonotonicTime) {
        let partition = Int(disown.partition.rawValue)
        guard partitions.indices.contains(partition), partitions[partition].owner == worker,
            partitions[partition].fence == disown.fence
        else { return }
        release(partition, of: worker, now)
    }

    private mutating func release(_ partition: Int, of worker: Int32, _ now: MonotonicTime) {
        partitions[partition].owner = -1
        partitions[partition].holder = nil
        openGates(of: partition)
        effects.append(.disowned(worker: worker, Partition(rawValue: Int16(partition))))
        healthMayHaveChanged()
        takeWaiting(of: partition, from: worker, now)
    }

    // MARK: Answers

    /// A worker answers. Only the worker that has the call may.
    package mutating func result(_ header: Header, from worker: Int32, _ now: MonotonicTime) {
        guard let slot = table.slot(of: header.callID), table[slot].place == .inFlight,
            table[slot].worker == worker || isPlanted(.anyAnswerCounts)
        else {
            // The call is over or with somebody else: late answers are normal.
            counters.lateAnswers += 1
            return
        }
        workers[Int(worker)]!.answered()
        // Certainty is sticky: a refusal speaks of the last hand-over only.
        let isMaybe = header.status != .ok && table[slot].isMaybe && !isPlanted(.certaintyNotSticky)
        effects.append(
            .deliver(
                client: table[slot].client, callID: table[slot].clientCallID,
                certainty: isMaybe ? .maybeExecuted : header.certainty))
        end(slot)
        giveCredit(worker, now)
    }

    /// A worker hands a call back that it has not begun.
    package mutating func returned(_ header: Header, from worker: Int32, _ now: MonotonicTime) {
        guard let slot = table.slot(of: header.callID), table[slot].place == .inFlight,
            table[slot].worker == worker
        else {
            counters.lateAnswers += 1
            return
        }
        unlink(slot)
        table.renew(slot)
        table[slot].returns &+= 1
        // The worker says that it does not own the partition: until it claims it anew, nobody is asked.
        let partition = Int(table[slot].partition)
        if partition >= 0, partitions[partition].owner == worker, table[slot].returns >= 2 {
            release(partition, of: worker, now)
        }
        if partition < 0 || table[slot].stream != nil || table[slot].returns >= Call.maximumReturns {
            fail(slot, .unavailable, .noOwner, retryAfter: .milliseconds(200))
        } else {
            route(slot, now)
        }
        giveCredit(worker, now)
    }

    /// Sends what waits for the worker's credit, high priorities first.
    package mutating func giveCredit(_ worker: Int32, _ now: MonotonicTime) {
        while let slot = workers[Int(worker)]?.next() {
            unlink(slot)
            dispatch(slot, to: worker, now)
        }
    }

    /// The socket refused calls for a worker: it is gone, or stuck, which is the same to its callers.
    ///
    /// - Parameters:
    ///   - calls: all that never left, by their names towards the worker: these hand-overs did not happen.
    ///   - isGone: its connection has ended, so that its leases need not run out before others take them. One that is
    ///     merely stuck may live on with them.
    package mutating func unsendable(
        _ calls: [UInt64], worker: Int32, isGone: Bool = true, _ now: MonotonicTime
    ) {
        var slots: [Int32] = []
        for name in calls {
            guard let slot = table.slot(of: name), table[slot].place == .inFlight,
                table[slot].worker == worker
            else { continue }
            unlink(slot)
            slots.append(slot)
        }
        for index in partitions.indices where partitions[index].owner == worker {
            partitions[index].owner = -1
            guard isGone, let holder = partitions[index].holder else { continue }
            partitions[index].dead = (holder, until: now + configuration.leaseTTL)
        }
        for slot in slots { reroute(slot, now) }
        workerLost(worker, now)
    }

    // MARK: What the broker says

    /// The beat for every worker: who is live, and what has no owner. Nil in the broker's first TTL, in which
    /// it has not heard from everybody yet.
    package func beat(_ now: MonotonicTime) -> BrokerBeat {
        guard now - started >= configuration.quietTime else { return BrokerBeat(live: nil, unowned: nil) }
        var live = Set<String>()
        for case let worker? in workers where worker.canOwn && worker.isFit && !worker.isDraining {
            live.insert(worker.name)
        }
        let unowned = partitions.indices.filter { partitions[$0].owner < 0 }
        return BrokerBeat(
            live: live.sorted(), unowned: unowned.map { Partition(rawValue: Int16($0)) },
            dead: deadHolders(of: unowned, now))
    }

    private func deadHolders(of unowned: [Int], _ now: MonotonicTime) -> [DeadHolder] {
        var holders: [DeadHolder] = []
        for index in unowned {
            guard let dead = partitions[index].dead, now < dead.until else { continue }
            holders.append(DeadHolder(partition: Partition(rawValue: Int16(index)), token: dead.holder))
            if holders.count == BrokerBeat.maximumDead { break }
        }
        return holders
    }
}
