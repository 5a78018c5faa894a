import Methods
import Sales
import Wire

/// Everything a broker decides: a value without I/O, clock or randomness. Events and times go in, effects
/// come out and are performed in order before the next event.
struct BrokerCore {
    let configuration: BrokerConfiguration
    let started: MonotonicTime
    /// What the shell is to do; it empties the list after every event.
    var effects: [Effect] = []

    var table: CallTable
    var wheel: DeadlineWheel
    var clients: [ClientState?] = []
    var clientIndex: [ClientKey: Int32] = [:]
    var workers: [WorkerState?] = []
    var workerIndex: [PeerIdentity: Int32] = [:]
    /// Empty until the first worker says how many there are.
    var partitions: [PartitionState] = []
    var partitionHash = ""
    var incarnation = ""
    var gates: [Gate.Key: Gate] = [:]
    var parkedCount = 0
    var counters = Counters()
    var rate = RateMeter()
    private var lastSecond: MonotonicTime
    private var lastTick: MonotonicTime

    /// Identities are unique per socket only, and the two sides have a socket each.
    struct ClientKey: Hashable {
        let identity: PeerIdentity
        /// On the workers' side: a worker that calls.
        let isWorker: Bool
    }

    struct ClientState {
        let key: ClientKey
        var lastSeen: MonotonicTime
        var calls = CallList()
    }

    struct PartitionState {
        var owner: Int32 = -1
        /// The highest heard. A lower claim is void even when this one's holder is gone.
        var fence = Fence(rawValue: 0)
        var parked = CallList()
    }

    struct Counters: Equatable {
        var calls: Int64 = 0
        var malformed: Int64 = 0
        var gateRefusals: Int64 = 0
        var lateAnswers: Int64 = 0
    }

    init(configuration: BrokerConfiguration, now: MonotonicTime) {
        self.configuration = configuration
        started = now
        lastSecond = now
        lastTick = now
        table = CallTable(capacity: configuration.maximumCalls)
        wheel = DeadlineWheel(capacity: configuration.maximumCalls, now: now)
    }

    // MARK: Clients

    /// The client by that identity; a new one if there is room, else nil.
    mutating func client(_ identity: PeerIdentity, isWorker: Bool = false, _ now: MonotonicTime) -> Int32? {
        let key = ClientKey(identity: identity, isWorker: isWorker)
        if let index = clientIndex[key] {
            clients[Int(index)]!.lastSeen = now
            return index
        }
        guard clientIndex.count < configuration.maximumClients else { return nil }
        let state = ClientState(key: key, lastSeen: now)
        let index: Int32
        if let free = clients.firstIndex(where: { $0 == nil }), clients.count > clientIndex.count {
            clients[free] = state
            index = Int32(free)
        } else {
            clients.append(state)
            index = Int32(clients.count - 1)
        }
        clientIndex[key] = index
        return index
    }

    /// The client is gone: its answers are dropped. Calls that a worker has go on; their orders stand.
    mutating func clientLost(_ client: Int32) {
        guard let state = clients[Int(client)] else { return }
        while true {
            guard let slot = clients[Int(client)]?.calls.first, slot >= 0 else { break }
            end(slot)
        }
        clientIndex[state.key] = nil
        clients[Int(client)] = nil
    }

    // MARK: Calls

    /// A client calls. The message itself stays with the shell.
    mutating func call(_ header: Header, from client: Int32, _ now: MonotonicTime) {
        counters.calls += 1
        rate.add()
        guard let state = clients[Int(client)] else { return }
        // Only its workers move a cluster's partitions.
        guard header.method != SystemMethods.yield.id || state.key.isWorker else {
            return refuse(
                client, header.callID,
                Verdict(status: .permissionDenied, certainty: .notExecuted, reason: .unknownMethod))
        }
        if header.flags.contains(.keyed) { return keyedCall(header, from: client, state, now) }
        if header.method == SystemMethods.brokerStatus.id {
            effects.append(.status(client: client, callID: header.callID))
            return
        }
        guard let worker = leastLoaded(for: header.method, header.priority) else {
            return refuse(client, header.callID, verdictWithoutWorker(for: header.method))
        }
        guard let slot = admit(header, from: client, state, partition: -1, now) else { return }
        dispatch(slot, to: worker, now)
    }

    private func verdictWithoutWorker(for method: MethodID) -> Verdict {
        if workerIndex.isEmpty {
            return Verdict(
                status: .unavailable, certainty: .notExecuted, reason: .noOwner,
                retryAfter: .milliseconds(500))
        }
        guard workers.contains(where: { $0?.methods.contains(method) == true }) else {
            return Verdict(status: .unimplemented, certainty: .notExecuted, reason: .unknownMethod)
        }
        return Verdict(
            status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded,
            retryAfter: .milliseconds(100))
    }

    private mutating func keyedCall(
        _ header: Header, from client: Int32, _ state: ClientState, _ now: MonotonicTime
    ) {
        guard !partitions.isEmpty else {
            return refuse(
                client, header.callID,
                Verdict(
                    status: .unavailable, certainty: .notExecuted, reason: .noOwner,
                    retryAfter: .milliseconds(500)))
        }
        let partition: Int
        if header.flags.contains(.partition) {
            guard let number = Int(exactly: header.routing.sale), partitions.indices.contains(number) else {
                return refuse(
                    client, header.callID,
                    Verdict(status: .invalidArgument, certainty: .notExecuted, reason: .wrongRoute))
            }
            partition = number
        } else {
            partition = header.routing.partition(of: partitions.count)
        }
        if let reason = closedGate(for: header, partition, now) {
            counters.gateRefusals += 1
            return refuse(
                client, header.callID,
                Verdict(status: .failedPrecondition, certainty: .notExecuted, reason: reason))
        }
        guard let slot = admit(header, from: client, state, partition: Int16(partition), now) else { return }
        effects.append(.keep(slot: slot))
        route(slot, now)
    }

    /// What a closed gate answers. Attempts after the first pass: their order may exist.
    private func closedGate(for header: Header, _ partition: Int, _ now: MonotonicTime) -> Reason? {
        guard !gates.isEmpty, !header.flags.contains(.retry), !header.flags.contains(.partition),
            let gate = gates[Gate.Key(method: header.method, routing: header.routing)],
            gate.lapses > now, gate.fence == partitions[partition].fence
        else { return nil }
        return gate.reason
    }

    private mutating func admit(
        _ header: Header, from client: Int32, _ state: ClientState, partition: Int16, _ now: MonotonicTime
    ) -> Int32? {
        let overloaded = Verdict(
            status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded,
            retryAfter: .milliseconds(100))
        guard state.calls.count < configuration.maximumCallsPerClient else {
            refuse(client, header.callID, overloaded)
            return nil
        }
        var call = Call()
        call.client = client
        call.clientCallID = header.callID
        call.method = header.method
        call.routing = header.routing
        call.partition = partition
        call.priority = header.priority
        call.isRepeatable = header.requestKey != 0
        let asked = TimeAmount.milliseconds(Int64(header.milliseconds))
        let allowed = asked == .zero ? Limits.defaultDeadline : min(asked, Limits.longestDeadline)
        call.deadline = now + allowed
        guard let slot = table.insert(call) else {
            refuse(client, header.callID, overloaded)
            return nil
        }
        table.byClient.append(slot, to: &clients[Int(client)]!.calls)
        wheel.set(slot, due: call.deadline)
        return slot
    }

    /// Sends a keyed call to its partition's owner, or parks it.
    mutating func route(_ slot: Int32, _ now: MonotonicTime) {
        let partition = Int(table[slot].partition)
        let owner = partitions[partition].owner
        if owner >= 0 { return dispatch(slot, to: owner, now) }
        guard parkedCount < configuration.maximumParked else {
            return fail(slot, .resourceExhausted, .overloaded, retryAfter: .milliseconds(500))
        }
        table[slot].place = .parked
        table[slot].worker = -1
        table.places.append(slot, to: &partitions[partition].parked)
        parkedCount += 1
        wheel.set(slot, due: min(table[slot].deadline, now + configuration.parkingTime))
    }

    /// Hands a call to a worker, or lets it wait for the worker's credit.
    mutating func dispatch(_ slot: Int32, to worker: Int32, _ now: MonotonicTime) {
        let priority = Int(table[slot].priority.rawValue)
        guard workers[Int(worker)]!.methods.contains(table[slot].method) else {
            return fail(slot, .unimplemented, .unknownMethod)
        }
        table[slot].worker = worker
        guard workers[Int(worker)]!.hasCredit(table[slot].priority) else {
            return wait(slot, for: worker, priority, now)
        }
        table[slot].place = .inFlight
        workers[Int(worker)]!.used[priority] += 1
        table.places.append(slot, to: &workers[Int(worker)]!.inFlight)
        wheel.set(slot, due: table[slot].deadline)
        effects.append(.send(slot: slot, worker: worker))
    }

    /// Refuses early what cannot be served in time, at the rate that the worker has shown.
    private mutating func wait(_ slot: Int32, for worker: Int32, _ priority: Int, _ now: MonotonicTime) {
        let ahead = workers[Int(worker)]!.waiting[priority].count
        let rate = max(workers[Int(worker)]!.rate.perSecond, 100)
        let expected = TimeAmount(nanoseconds: Int64(Double(ahead) / rate * 1e9))
        if now + expected > table[slot].deadline {
            return fail(slot, .resourceExhausted, .overloaded, retryAfter: expected)
        }
        table[slot].place = .waiting
        table.places.append(slot, to: &workers[Int(worker)]!.waiting[priority])
        wheel.set(slot, due: table[slot].deadline)
    }

    /// The worker that serves the method and has most room, unless none has any: a free call never waits, so
    /// the shell need not keep it.
    private func leastLoaded(for method: MethodID, _ priority: Priority) -> Int32? {
        var best: Int32?
        for (index, worker) in workers.enumerated() {
            guard let worker, worker.isFit, !worker.isDraining, worker.methods.contains(method),
                worker.hasCredit(priority)
            else { continue }
            if let chosen = best, workers[Int(chosen)]!.load <= worker.load { continue }
            best = Int32(index)
        }
        return best
    }

    /// A client no longer waits for an attempt. It never touches an order.
    mutating func cancel(_ callID: UInt64, from client: Int32) {
        guard var slot = clients[Int(client)]?.calls.first else { return }
        while slot >= 0 {
            if table[slot].clientCallID == callID {
                if table[slot].place == .inFlight {
                    effects.append(.cancel(slot: slot, worker: table[slot].worker))
                }
                return fail(slot, .cancelled, .none)
            }
            slot = table.byClient.next(after: slot)
        }
    }

    // MARK: Ending calls

    /// Takes a call off its list, wherever it is.
    mutating func unlink(_ slot: Int32) {
        let worker = Int(table[slot].worker)
        let priority = Int(table[slot].priority.rawValue)
        switch table[slot].place {
        case .free:
            break
        case .parked:
            table.places.remove(slot, from: &partitions[Int(table[slot].partition)].parked)
            parkedCount -= 1
        case .waiting:
            table.places.remove(slot, from: &workers[worker]!.waiting[priority])
        case .inFlight:
            table.places.remove(slot, from: &workers[worker]!.inFlight)
            workers[worker]!.used[priority] -= 1
        }
        table[slot].place = .free
    }

    /// The call is over, answered or not.
    mutating func end(_ slot: Int32) {
        unlink(slot)
        wheel.clear(slot)
        let client = Int(table[slot].client)
        table.byClient.remove(slot, from: &clients[client]!.calls)
        effects.append(.forget(slot: slot))
        table.free(slot)
    }

    /// Ends a call with an answer of the broker's own. Says "not executed" only if nobody ever had it.
    mutating func fail(_ slot: Int32, _ status: Status, _ reason: Reason, retryAfter: TimeAmount = .zero) {
        let call = table[slot]
        let isMaybe = call.isMaybe || call.place == .inFlight
        refuse(
            call.client, call.clientCallID,
            Verdict(
                status: status, certainty: isMaybe ? .maybeExecuted : .notExecuted, reason: reason,
                retryAfter: retryAfter))
        end(slot)
    }

    mutating func refuse(_ client: Int32, _ callID: UInt64, _ verdict: Verdict) {
        effects.append(.refuse(client: client, callID: callID, verdict))
    }

    // MARK: Time

    /// Called every few milliseconds: ends what is overdue and forgets who is gone.
    mutating func tick(_ now: MonotonicTime) {
        while let slot = wheel.popDue(now) {
            if table[slot].deadline <= now {
                if table[slot].place == .inFlight {
                    effects.append(.cancel(slot: slot, worker: table[slot].worker))
                }
                fail(slot, .deadlineExceeded, .none)
            } else {
                fail(slot, .unavailable, .noOwner, retryAfter: .milliseconds(500))
            }
        }
        forgiveOwnPause(now)
        for index in workers.indices {
            guard let lastSeen = workers[index]?.lastSeen else { continue }
            if now - lastSeen > configuration.workerSilence {
                workerLost(Int32(index), now)
            } else {
                // Calls that ended without an answer have left credit behind.
                giveCredit(Int32(index), now)
            }
        }
        if now - lastSecond >= .seconds(1) {
            lastSecond = now
            rate.turn(now)
            for index in workers.indices { workers[index]?.rate.turn(now) }
            forgetIdleClients(now)
        }
    }

    /// Time in which the broker itself stood still says nothing about its workers: what they said meanwhile
    /// may still be on its way through the socket.
    private mutating func forgiveOwnPause(_ now: MonotonicTime) {
        let pause = now - lastTick
        lastTick = now
        guard pause > configuration.beatInterval else { return }
        for index in workers.indices {
            guard let lastSeen = workers[index]?.lastSeen else { continue }
            workers[index]!.lastSeen = min(now, lastSeen + pause)
        }
    }

    private mutating func forgetIdleClients(_ now: MonotonicTime) {
        for index in clients.indices {
            guard let client = clients[index] else { continue }
            if client.calls.isEmpty, now - client.lastSeen > configuration.clientIdleTime {
                clientLost(Int32(index))
            }
        }
    }
}
