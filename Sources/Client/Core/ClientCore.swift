import Resilience
import Wire

/// What a client decides, without sockets, clock or randomness: events and a time go in, actions come out.
///
/// Every function that takes an event appends to `actions`; the shell performs them in order and clears
/// them. A call ends by exactly one `.end`. Its table is bounded by the seats that calls are admitted to.
struct ClientCore: Sendable {
    let configuration: ClientConfiguration
    var sessions: [BrokerSession]
    /// By slot.
    var calls: [Call] = []
    var actions: [Action] = []
    var budget = RetryBudget()
    var memory = BrokerMemory()
    var latencies = LatencyMemory()
    var counts = Counts()
    private(set) var callsInFlight = 0

    var wheel: DeadlineWheel
    /// Used and cleared within one event.
    private var dueSlots: [Int] = []
    private var nextBroker = 0
    private var tickedAt: MonotonicTime

    /// What happened that no caller is told of.
    struct Counts: Hashable, Sendable {
        var calls: UInt64 = 0
        var retries: UInt64 = 0
        var hedges: UInt64 = 0
        /// Answers that came after their call had ended, or twice.
        var lateAnswers: UInt64 = 0
        /// Items and credit of streams that had ended.
        var lateItems: UInt64 = 0
        /// Frames that were not answers at all.
        var malformed: UInt64 = 0
        var sessionsLost: UInt64 = 0
    }

    init(brokers: Int, configuration: ClientConfiguration, now: MonotonicTime) {
        precondition(brokers > 0, "a client needs a broker")
        precondition(
            1...CallID.maximumSlots ~= configuration.maximumCallsInFlight,
            "maximumCallsInFlight is 1 to \(CallID.maximumSlots), not \(configuration.maximumCallsInFlight)")
        self.configuration = configuration
        sessions = Array(repeating: BrokerSession(state: .down(retryAt: now), since: now), count: brokers)
        wheel = DeadlineWheel(now: now)
        tickedAt = now
    }

    // MARK: Calls

    /// What the core has to know of a new call.
    struct Request: Sendable {
        var isRepeatable: Bool
        var maximumAttempts: UInt8
        var deadline: MonotonicTime
        var pin: Int32 = -1
        var method = MethodID(rawValue: 0)
        var key: BrokerMemory.Key?
        var hedge = Hedge.never
        /// Nil for a unary call.
        var stream: StreamTerms?
    }

    /// Takes on a call that has a seat.
    mutating func begin(_ request: Request, at seat: CallID, now: MonotonicTime) {
        let slot = seat.slot
        while calls.count <= slot {
            calls.append(Call())
            wheel.grow()
        }
        precondition(calls[slot].state == .free, "two calls in slot \(slot)")
        counts.calls += 1
        callsInFlight += 1
        var call = Call()
        call.maximumAttempts = request.maximumAttempts
        call.isRepeatable = request.isRepeatable
        call.pin = request.pin
        call.generation = seat.generation
        call.deadline = request.deadline
        call.begunAt = now
        call.method = request.method
        call.key = request.key
        call.stream = request.stream.map { StreamFlow($0) }
        (call.hedgeDelay, call.isMeasured) = hedging(request)
        calls[slot] = call
        if request.deadline <= now {
            end(slot, Ending(status: .deadlineExceeded, certainty: .notExecuted, cause: .deadline))
        } else {
            dispatch(slot, now: now)
            setDue(slot)
        }
    }

    /// The call of a seat, if it has not ended.
    func isLive(_ seat: CallID) -> Bool {
        let slot = seat.slot
        return slot < calls.count && calls[slot].state != .free && calls[slot].generation == seat.generation
    }

    /// The caller no longer waits. Its order, if there is one, stands.
    mutating func cancel(_ seat: CallID) {
        guard isLive(seat) else { return }
        let slot = seat.slot
        let certainty: Certainty = calls[slot].isSent ? .maybeExecuted : .notExecuted
        cancelAttempts(slot, but: 0)
        end(
            slot,
            Ending(status: .cancelled, certainty: calls[slot].certainty(certainty), cause: .cancellation))
    }

    /// Withdraws every attempt that a socket has taken, but for the one that has answered.
    mutating func cancelAttempts(_ slot: Int, but answered: UInt8) {
        let call = calls[slot]
        if call.attempt.state == .sent, call.attempt.number != answered {
            let id = call.id(slot: slot, attempt: call.attempt.number)
            actions.append(.cancel(broker: Int(call.attempt.broker), id: id))
        }
        if call.hedge.state == .sent, call.hedge.number != answered {
            let id = call.id(slot: slot, attempt: call.hedge.number)
            actions.append(.cancel(broker: Int(call.hedge.broker), id: id))
        }
    }

    /// The socket has taken the message: from now on the call may run.
    mutating func handedOver(_ slot: Int, attempt: UInt8) {
        if calls[slot].attempt.number == attempt, calls[slot].attempt.state == .assigned {
            calls[slot].attempt.state = .sent
            if calls[slot].stream != nil { beginStream(slot) }
        } else if calls[slot].hedge.number == attempt, calls[slot].hedge.state == .assigned {
            calls[slot].hedge.state = .sent
        }
    }

    /// The socket has not taken the message: the connection is gone, and this attempt never was.
    mutating func notTaken(_ slot: Int, attempt: UInt8, now: MonotonicTime, random: UInt64) {
        let call = calls[slot]
        for attemptOfCall in [call.attempt, call.hedge]
        where attemptOfCall.number == attempt && attemptOfCall.state == .assigned {
            disconnected(Int(attemptOfCall.broker), now: now, random: random)
        }
    }

    /// Ends every call. Nothing may follow.
    mutating func close() {
        for slot in calls.indices where calls[slot].state != .free {
            let certainty: Certainty = calls[slot].isSent ? .maybeExecuted : .notExecuted
            end(
                slot,
                Ending(status: .unavailable, certainty: calls[slot].certainty(certainty), cause: .closing))
        }
        for broker in sessions.indices where sessions[broker].isOpen {
            actions.append(.drop(broker: broker))
            sessions[broker].state = .down(retryAt: .distantFuture)
        }
    }

    mutating func end(_ slot: Int, _ ending: Ending) {
        leaveSession(calls[slot].attempt)
        leaveSession(calls[slot].hedge)
        wheel.remove(slot)
        calls[slot].state = .free
        callsInFlight -= 1
        var ending = ending
        ending.attempts = calls[slot].attempts
        actions.append(.end(slot: slot, ending))
    }

    /// Takes an attempt off its session's count.
    mutating func leaveSession(_ attempt: Attempt) {
        if attempt.isOpen { sessions[Int(attempt.broker)].attempts -= 1 }
    }

    // MARK: Dispatch

    /// Begins the next attempt of a call that has none open, or lets it wait for a session.
    mutating func dispatch(_ slot: Int, now: MonotonicTime) {
        guard let broker = chooseBroker(slot, now: now) else {
            calls[slot].state = .waiting
            return
        }
        calls[slot].state = .open
        calls[slot].attempt = beginAttempt(slot, at: broker)
        if calls[slot].attempts > 1 { counts.retries += 1 }
        if let delay = calls[slot].hedgeDelay.take() { calls[slot].hedgeAt = now + delay }
    }

    /// Counts an attempt and has it sent.
    mutating func beginAttempt(_ slot: Int, at broker: Int) -> Attempt {
        calls[slot].attempts += 1
        calls[slot].lastBroker = Int32(broker)
        sessions[broker].attempts += 1
        actions.append(.send(slot: slot, attempt: calls[slot].attempts))
        return Attempt(state: .assigned, number: calls[slot].attempts, broker: Int32(broker))
    }

    /// The broker that reached the key's owner when another could not; else round robin over the sessions that
    /// are up. A retry goes to another broker if there is one.
    private mutating func chooseBroker(_ slot: Int, now: MonotonicTime) -> Int? {
        let pin = Int(calls[slot].pin)
        if pin >= 0 { return sessions[pin].state == .up ? pin : nil }
        let last = Int(calls[slot].lastBroker)
        if !memory.isEmpty, let key = calls[slot].key, let broker = memory.broker(for: key, now: now),
            broker != last, sessions[broker].state == .up
        {
            return broker
        }
        return nextUp(avoiding: last) ?? (last >= 0 && sessions[last].state == .up ? last : nil)
    }

    /// The next session that is up, but for one.
    mutating func nextUp(avoiding last: Int) -> Int? {
        for _ in sessions.indices {
            let broker = nextBroker
            nextBroker = broker + 1 == sessions.count ? 0 : broker + 1
            if broker != last, sessions[broker].state == .up { return broker }
        }
        return nil
    }

    /// A session came up: everything that waited for one goes now.
    mutating func dispatchWaiting(now: MonotonicTime) {
        for slot in calls.indices where calls[slot].state == .waiting {
            dispatch(slot, now: now)
            setDue(slot)
        }
    }

    // MARK: Time

    /// Does what is due: deadlines, retries, hedges, silence, new connections.
    mutating func tick(now: MonotonicTime, random: inout some RandomNumberGenerator) {
        // After a pause of our own (stopped, suspended) the others' silence proves nothing: ask first.
        if now - tickedAt > configuration.pingInterval { forgiveSilence(now) }
        tickedAt = now
        wheel.advance(to: now, into: &dueSlots)
        for slot in dueSlots { callIsDue(slot, now: now) }
        dueSlots.removeAll(keepingCapacity: true)
        for broker in sessions.indices { tickSession(broker, now: now, random: random.next()) }
    }

    private mutating func callIsDue(_ slot: Int, now: MonotonicTime) {
        let call = calls[slot]
        guard call.deadline > now else {
            // The broker was told the deadline and drops the call by itself: no CANCEL.
            let certainty: Certainty = call.isSent ? .maybeExecuted : .notExecuted
            // What the last attempt was refused for explains more than "too late".
            let reason = call.failure?.reason ?? .none
            return end(
                slot,
                Ending(
                    status: .deadlineExceeded, certainty: call.certainty(certainty), reason: reason,
                    cause: .deadline))
        }
        if call.state == .backingOff, call.retryAt <= now { dispatch(slot, now: now) }
        if let hedgeAt = call.hedgeAt, hedgeAt <= now { hedge(slot) }
        setDue(slot)
    }

    /// Puts a call on the wheel for what comes next.
    mutating func setDue(_ slot: Int) {
        var due = calls[slot].deadline
        switch calls[slot].state {
        case .free: return
        case .backingOff: due = min(due, calls[slot].retryAt)
        case .open: if let hedgeAt = calls[slot].hedgeAt { due = min(due, hedgeAt) }
        case .waiting: break
        }
        // A stream without a deadline waits for nothing.
        if due == .distantFuture { wheel.remove(slot) } else { wheel.set(slot, due: due) }
    }

    /// When to call `tick` next, if nothing else happens.
    func nextTick(after now: MonotonicTime) -> MonotonicTime {
        wheel.wake(notAfter: now + sessionInterval(now))
    }

    /// How often sessions are looked at: closely while a caller may be waiting for one.
    private func sessionInterval(_ now: MonotonicTime) -> TimeAmount {
        let isNew = sessions.contains { session in
            switch session.state {
            case .opening, .greeting: now - session.since < .milliseconds(200)
            case .down, .up, .draining: false
            }
        }
        if isNew { return .milliseconds(4) }
        return callsInFlight > 0 || sessions.contains { $0.state != .up }
            ? .milliseconds(50) : .milliseconds(250)
    }
}
