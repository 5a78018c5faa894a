import Methods
import PlantedBugs
import Resilience
import Sales
package import Wire

/// Everything a broker decides: a value without I/O, clock or randomness. Events and times go in, effects
/// come out and are performed in order before the next event.
package struct BrokerCore {
    package let configuration: BrokerConfiguration
    package let started: MonotonicTime
    /// What the shell is to do; it empties the list after every event.
    package var effects: [Effect] = []

    package var table: CallTable
    package var wheel: DeadlineWheel
    package var clients: [ClientState?] = []
    package var freeClients: [Int32] = []
    /// Whose message came last, on either side; -1 for nobody. Only a guess: it is compared before it is used.
    package var recentClient: Int32 = -1
    /// Where the search for somebody idle goes on.
    package var nextIdle = 0
    package var recentWorker: Int32 = -1
    package var clientIndex: [ClientState.Key: Int32] = [:]
    package var workers: [WorkerState?] = []
    /// By worker, and still there when it is lost: for logs.
    package var workerNames: [String] = []
    package var workerIndex: [PeerIdentity: Int32] = [:]
    /// Empty until the first worker says how many there are.
    package var partitions: [PartitionState] = []
    package var partitionHash = ""
    package var incarnation = ""
    package var gates: [Gate.Key: Gate] = [:]
    /// Calls that came before the first worker said how many partitions there are.
    package var unplaced = CallList()
    package var parkedCount = 0
    /// No worker could become an owner now, so calls do not wait for one: see `judgeWaiting`.
    package var isWaitingInVain = false
    package var streamCount = 0
    package var keptBytes = 0
    package var unreadBytes = 0
    /// Calls that the broker answers itself, item by item: who watches a service's health.
    package var watching = CallList()
    package var watches: [Int32: Watch] = [:]
    /// Counts what health may follow from, and which count those who watch were told of, and when.
    package var healthVersion: UInt64 = 0
    package var toldVersion: UInt64 = 0
    package var toldAt = MonotonicTime.distantPast
    /// Watchers that are still to be looked at since the last change.
    package var untold = 0
    package var catalog = Catalog()
    /// Bodies that effects refer to, cleared with them: effects stay plain values.
    package var bodies: [[UInt8]] = []
    private var questions: UInt64 = 0
    package var counters = Counters()
    package var rate = RateMeter()
    private var lastSecond: MonotonicTime
    private var lastTick: MonotonicTime

    package struct PartitionState {
        package var owner: Int32 = -1
        /// The highest heard. A lower claim is void even when this one's holder is gone.
        var fence = Fence(rawValue: 0)
        /// What the owner's lease is known by.
        var holder: HolderToken?
        /// An owner whose connection was seen to end, until its lease has run out at the latest.
        var dead: (holder: HolderToken, until: MonotonicTime)?
        var parked = CallList()
    }

    package struct Counters: Equatable {
        var calls: Int64 = 0
        var malformed: Int64 = 0
        var gateRefusals: Int64 = 0
        var lateAnswers: Int64 = 0
        /// Clients cut off because they did not read.
        var cutOff: Int64 = 0
    }

    package init(configuration: BrokerConfiguration, now: MonotonicTime) {
        self.configuration = configuration
        started = now
        lastSecond = now
        lastTick = now
        table = CallTable(capacity: configuration.maximumCalls, secret: configuration.secret)
        wheel = DeadlineWheel(capacity: configuration.maximumCalls, now: now)
    }

    // MARK: Calls

    /// A client calls. The message itself stays with the shell.
    ///
    /// - Parameter size: of the message, in bytes.
    package mutating func call(_ header: Header, size: Int, from client: Int32, _ now: MonotonicTime) {
        counters.calls += 1
        rate.add()
        guard clients[Int(client)] != nil else { return }
        // A second call under a name that is taken could not be told from the first.
        guard table.slot(of: header.callID, client: client) == nil else {
            counters.malformed += 1
            return
        }
        // Only its workers move a cluster's partitions.
        guard header.method != SystemMethods.yield.id || clients[Int(client)]!.key.isWorker else {
            return refuse(
                client, header.callID,
                Verdict(status: .permissionDenied, certainty: .notExecuted, reason: .unknownMethod))
        }
        if header.flags.contains(.keyed) { return keyedCall(header, size, from: client, now) }
        if OneWorker.serves(header.method) { return callForOneWorker(header, from: client, now) }
        if Catalog.isOwn(header.method) {
            effects.append(.answerSelf(client: client, callID: header.callID))
            return
        }
        let isStream = header.flags.contains(.stream)
        let creditClass = isStream ? WorkerState.streamClass : Int(header.priority.rawValue)
        guard let worker = leastLoaded(for: header.method, creditClass) else {
            return refuse(client, header.callID, verdictWithoutWorker(for: header.method))
        }
        guard let slot = admit(header, from: client, partition: -1, now) else { return }
        dispatch(slot, to: worker, now)
    }

    /// A free call that names its worker.
    private mutating func callForOneWorker(_ header: Header, from client: Int32, _ now: MonotonicTime) {
        let index = workers.indices.first {
            workers[$0].map { OneWorker.routing(of: $0.name) == header.routing } ?? false
        }
        guard let index, !header.flags.contains(.stream) else {
            return refuse(
                client, header.callID,
                Verdict(status: .notFound, certainty: .notExecuted, reason: .unknownWorker))
        }
        guard workers[index]!.hasCredit(Int(header.priority.rawValue)) else {
            return refuse(
                client, header.callID,
                Verdict(
                    status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded,
                    retryAfter: .milliseconds(100)))
        }
        guard let slot = admit(header, from: client, partition: -1, now) else { return }
        dispatch(slot, to: Int32(index), now)
    }

    private func verdictWithoutWorker(for method: MethodID) -> Verdict {
        if workerIndex.isEmpty {
            return Verdict(
                status: .unavailable, certainty: .notExecuted, reason: .noOwner,
                retryAfter: .milliseconds(500))
        }
        let having = workers.indices.filter { workers[$0]?.methods.contains(method) == true }
        guard !having.isEmpty else {
            return Verdict(status: .unimplemented, certainty: .notExecuted, reason: .unknownMethod)
        }
        if having.allSatisfy({ !isServing(method, $0) }) {
            return Verdict(
                status: .unavailable, certainty: .notExecuted, reason: .notServing,
                retryAfter: .milliseconds(500))
        }
        return Verdict(
            status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded,
            retryAfter: .milliseconds(100))
    }

    private mutating func keyedCall(
        _ header: Header, _ size: Int, from client: Int32, _ now: MonotonicTime
    ) {
        let isStream = header.flags.contains(.stream)
        var partition = -1
        if header.flags.contains(.partition) {
            guard let number = Int(exactly: header.routing.sale),
                partitions.isEmpty ? 0...Int(Int16.max) ~= number : partitions.indices.contains(number)
            else {
                return refuse(
                    client, header.callID,
                    Verdict(status: .invalidArgument, certainty: .notExecuted, reason: .wrongRoute))
            }
            partition = number
        } else if !partitions.isEmpty {
            partition = header.routing.partition(of: partitions.count)
        }
        if partition >= 0, let verdict = closedGate(for: header, partition, now) {
            counters.gateRefusals += 1
            return refuse(client, header.callID, verdict)
        }
        // Nothing of a stream is kept, so it cannot wait for an owner. And a broker that has been up for a while and
        // has never seen a worker has nothing to wait for.
        if partitions.isEmpty
            ? isStream || now - started > configuration.parkingTime
            : isStream && partitions[partition].owner < 0
        {
            return refuse(
                client, header.callID,
                Verdict(
                    status: .unavailable, certainty: .notExecuted, reason: .noOwner,
                    retryAfter: .milliseconds(500)))
        }
        guard let slot = admit(header, from: client, partition: Int16(partition), now) else { return }
        if !isStream {
            guard keep(slot, size) else {
                return fail(slot, .resourceExhausted, .overloaded, retryAfter: .milliseconds(200))
            }
        }
        partitions.isEmpty ? park(slot, now) : route(slot, now)
    }

    /// Counts a call's bytes as kept, unless the client's share or the whole is used up.
    private mutating func keep(_ slot: Int32, _ size: Int) -> Bool {
        let client = Int(table[slot].client)
        guard clients[client]!.keptBytes + size <= configuration.maximumKeptBytes - keptBytes else {
            return false
        }
        clients[client]!.keptBytes += size
        keptBytes += size
        table[slot].keptBytes = Int32(clamping: size)
        effects.append(.keep(slot: slot))
        return true
    }

    /// What a closed gate answers. Attempts after the first pass: their order may exist. Of the others as many pass as the
    /// gate lets.
    private mutating func closedGate(for header: Header, _ partition: Int, _ now: MonotonicTime) -> Verdict? {
        guard !gates.isEmpty, !partitions.isEmpty, !header.flags.contains(.retry),
            !header.flags.contains(.partition),
            let gate = gates[Gate.Key(method: gatedMethod(header.method), routing: header.routing)],
            gate.lapses > now || isPlanted(.gateWithoutLease), gate.fence == partitions[partition].fence
        else { return nil }
        if gate.passes > 0 {
            gates[Gate.Key(method: gatedMethod(header.method), routing: header.routing)]!.passes -= 1
            return nil
        }
        var verdict = Verdict(status: .failedPrecondition, certainty: .notExecuted, reason: gate.reason)
        if let body = gate.body {
            verdict.body = Int32(bodies.count)
            bodies.append(body)
        }
        return verdict
    }

    /// Several orders in one call stand before the same gate as one.
    private func gatedMethod(_ method: MethodID) -> MethodID {
        method == OrderMethods.placeMany.id ? OrderMethods.place.id : method
    }

    package mutating func admit(
        _ header: Header, from client: Int32, partition: Int16, _ now: MonotonicTime
    ) -> Int32? {
        let isStream = header.flags.contains(.stream)
        let free = table.capacity - table.count
        // Whoever has as many as are free gets no more: so there is always room for somebody else.
        guard clients[Int(client)]!.calls.count < min(configuration.maximumCallsPerClient, free),
            !isStream || streamCount < configuration.maximumStreams
        else {
            refuse(
                client, header.callID,
                Verdict(
                    status: .resourceExhausted, certainty: .notExecuted, reason: .overloaded,
                    retryAfter: timeToServe(clients[Int(client)]!.calls.count)))
            return nil
        }
        var call = Call()
        call.client = client
        call.clientCallID = header.callID
        call.method = header.method
        call.routing = header.routing
        call.partition = partition
        call.priority = header.priority
        call.isRepeatable = header.requestKey != 0 && !isStream
        if isStream { call.stream = StreamState(callerEnded: header.flags.contains(.end)) }
        call.deadline = deadline(header, isStream, now)
        guard let slot = table.insert(call) else { preconditionFailure("a free slot was counted") }
        table.byClient.append(slot, to: &clients[Int(client)]!.calls)
        if isStream {
            clients[Int(client)]!.streams += 1
            streamCount += 1
        }
        if call.deadline != .distantFuture { wheel.set(slot, due: call.deadline) }
        return slot
    }

    /// A call that names no deadline gets one; a stream may go on for as long as both ends are there.
    private func deadline(_ header: Header, _ isStream: Bool, _ now: MonotonicTime) -> MonotonicTime {
        let asked = TimeAmount.milliseconds(Int64(header.milliseconds))
        if isStream { return asked == .zero ? .distantFuture : now + asked }
        return now + (asked == .zero ? Limits.defaultDeadline : min(asked, Limits.longestDeadline))
    }

    /// How long so many calls take at the rate of the last second, as a time to come back after.
    private func timeToServe(_ calls: Int) -> TimeAmount {
        guard rate.perSecond > 0 else { return .milliseconds(100) }
        let seconds = Double(calls) / rate.perSecond
        return max(.milliseconds(10), min(.seconds(5), TimeAmount(nanoseconds: Int64(seconds * 1e9))))
    }

    /// Sends a keyed call to its partition's owner, or parks it.
    package mutating func route(_ slot: Int32, _ now: MonotonicTime) {
        let partition = Int(table[slot].partition)
        let owner = partitions[partition].owner
        if owner >= 0 { return dispatch(slot, to: owner, now) }
        park(slot, now)
    }

    /// Lets a call wait for an owner, unless too many do, or nobody can become one.
    private mutating func park(_ slot: Int32, _ now: MonotonicTime) {
        let client = Int(table[slot].client)
        guard table[slot].stream == nil, !isWaitingInVain,
            clients[client]!.parked < configuration.maximumParked - parkedCount
        else {
            return fail(slot, .unavailable, .noOwner, retryAfter: .milliseconds(500))
        }
        table[slot].worker = -1
        if partitions.isEmpty {
            table[slot].place = .unplaced
            table.places.append(slot, to: &unplaced)
        } else {
            table[slot].place = .parked
            table.places.append(slot, to: &partitions[Int(table[slot].partition)].parked)
        }
        clients[client]!.parked += 1
        parkedCount += 1
        wheel.set(slot, due: min(table[slot].deadline, now + configuration.parkingTime))
    }

    /// The partitions are known: calls that came too early go where they belong.
    package mutating func placeEarlyCalls(_ now: MonotonicTime) {
        while unplaced.first >= 0 {
            let slot = unplaced.first
            unlink(slot)
            if table[slot].partition < 0 {
                table[slot].partition = Int16(table[slot].routing.partition(of: partitions.count))
            }
            guard partitions.indices.contains(Int(table[slot].partition)) else {
                fail(slot, .invalidArgument, .wrongRoute)
                continue
            }
            route(slot, now)
        }
    }

    /// Hands a call to a worker, or lets it wait for the worker's credit.
    package mutating func dispatch(_ slot: Int32, to worker: Int32, _ now: MonotonicTime) {
        let objection = workers[Int(worker)]!.take(
            slot, of: table[slot].method, table[slot].creditClass, &table.places)
        switch objection {
        case .unknownMethod: return fail(slot, .unimplemented, .unknownMethod)
        case .noCredit: return wait(slot, for: worker, now)
        case nil: break
        }
        table[slot].worker = worker
        table[slot].place = .inFlight
        if table[slot].deadline != .distantFuture { wheel.set(slot, due: table[slot].deadline) }
        effects.append(.send(slot: slot, worker: worker))
    }

    /// Refuses early what cannot be served in time, at the rate that the worker has shown.
    private mutating func wait(_ slot: Int32, for worker: Int32, _ now: MonotonicTime) {
        guard table[slot].stream == nil else {
            if workers[Int(worker)]!.credit[WorkerState.streamClass] == 0 {
                return fail(slot, .unimplemented, .unknownMethod)
            }
            return fail(slot, .resourceExhausted, .overloaded, retryAfter: .milliseconds(500))
        }
        let priority = Int(table[slot].priority.rawValue)
        let expected = expectedWait(priority, worker: Int(worker), client: table[slot].client)
        if expected > configuration.longestWait || now + expected > table[slot].deadline {
            // A worker that stood still for a second says little of the next.
            return fail(slot, .resourceExhausted, .overloaded, retryAfter: min(expected, .seconds(5)))
        }
        table[slot].worker = worker
        table[slot].place = .waiting
        workers[Int(worker)]!.wait(slot, of: table[slot].client, priority, &table.places)
        wheel.set(slot, due: table[slot].deadline)
    }

    /// Clients have their turns, so a client waits for its own calls and as many of each other that waits, and
    /// for what has precedence.
    private func expectedWait(_ priority: Int, worker: Int, client: Int32) -> TimeAmount {
        let state = workers[worker]!
        let queue = state.waiting[priority]
        var ahead = min(queue.count, (queue.count(of: client) + 1) * max(1, queue.flowCount))
        for higher in state.waiting.indices where higher > priority { ahead += state.waiting[higher].count }
        // Before the first answers nothing is known of the worker.
        let rate = state.rate.perSecond > 0 ? state.rate.perSecond : 100
        return TimeAmount(nanoseconds: Int64(Double(ahead) / rate * 1e9))
    }

    /// The worker that serves the method and has most room, unless none has any: a free call never waits, so
    /// the shell need not keep it.
    private mutating func leastLoaded(for method: MethodID, _ creditClass: Int) -> Int32? {
        var best: Int32?
        var lowest = Int32.max
        for index in workers.indices {
            guard let load = workers[index]?.loadIfFree(for: method, creditClass), load < lowest,
                isServing(method, index)
            else { continue }
            best = Int32(index)
            lowest = load
        }
        return best
    }

    /// A client no longer waits for an attempt. It never touches an order.
    package mutating func cancel(_ callID: UInt64, from client: Int32) {
        guard let slot = table.slot(of: callID, client: client) else { return }
        withdraw(slot)
        fail(slot, .cancelled, .none)
    }

    /// Tells the worker, if one has the call, that nobody waits for it.
    package mutating func withdraw(_ slot: Int32) {
        guard table[slot].place == .inFlight else { return }
        effects.append(.cancel(worker: table[slot].worker, id: table.id(of: slot)))
    }

    // MARK: Ending calls

    /// Takes a call off its list, wherever it is.
    package mutating func unlink(_ slot: Int32) {
        let worker = Int(table[slot].worker)
        switch table[slot].place {
        case .free:
            break
        case .unplaced:
            table.places.remove(slot, from: &unplaced)
            clients[Int(table[slot].client)]!.parked -= 1
            parkedCount -= 1
        case .parked:
            table.places.remove(slot, from: &partitions[Int(table[slot].partition)].parked)
            clients[Int(table[slot].client)]!.parked -= 1
            parkedCount -= 1
        case .waiting:
            let priority = Int(table[slot].priority.rawValue)
            workers[worker]!.stopWaiting(slot, of: table[slot].client, priority, &table.places)
        case .inFlight:
            workers[worker]!.release(slot, table[slot].creditClass, &table.places)
        case .watching:
            table.places.remove(slot, from: &watching)
            watches[slot] = nil
        }
        table[slot].place = .free
    }

    /// The call is over, answered or not.
    package mutating func end(_ slot: Int32) {
        unlink(slot)
        wheel.clear(slot)
        let client = Int(table[slot].client)
        table.byClient.remove(slot, from: &clients[client]!.calls)
        if table[slot].stream != nil {
            clients[client]!.streams -= 1
            streamCount -= 1
        }
        let kept = Int(table[slot].keptBytes)
        if kept > 0 {
            clients[client]!.keptBytes -= kept
            keptBytes -= kept
            effects.append(.forget(slot: slot))
        }
        table.free(slot)
    }

    /// Ends a call with an answer of the broker's own. Says "not executed" only if nobody ever had it.
    package mutating func fail(
        _ slot: Int32, _ status: Status, _ reason: Reason, retryAfter: TimeAmount = .zero
    ) {
        let call = table[slot]
        let isMaybe =
            (call.isMaybe || call.place == .inFlight || call.place == .watching)
            && !isPlanted(.certaintyNotSticky)
        refuse(
            call.client, call.clientCallID,
            Verdict(
                status: status, certainty: isMaybe ? .maybeExecuted : .notExecuted, reason: reason,
                retryAfter: retryAfter))
        end(slot)
    }

    // Read here and not outside: there the whole state would be copied for one field.

    package func identity(ofWorker worker: Int32) -> PeerIdentity? { workers[Int(worker)]?.identity }
    package func key(ofClient client: Int32) -> ClientState.Key? { clients[Int(client)]?.key }

    package mutating func refuse(_ client: Int32, _ callID: UInt64, _ verdict: Verdict) {
        effects.append(.refuse(client: client, callID: callID, verdict))
    }

    /// The number of a question to a client. Nobody can guess it who has not read it.
    package mutating func nextQuestion() -> UInt64 {
        questions &+= 1
        return SplitMix64.scatter(configuration.secret &+ questions &* 0x9e37_79b9_7f4a_7c15) | 1
    }

    // MARK: Time

    /// Called every few milliseconds: ends what is overdue and forgets who is gone.
    package mutating func tick(_ now: MonotonicTime) {
        while let slot = wheel.popDue(now) {
            if table[slot].deadline <= now {
                withdraw(slot)
                fail(slot, .deadlineExceeded, .none)
            } else {
                fail(slot, .unavailable, .noOwner, retryAfter: .milliseconds(500))
            }
        }
        forgiveOwnPause(now)
        tellWatchers(now)
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
            tendClients(now)
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
}
