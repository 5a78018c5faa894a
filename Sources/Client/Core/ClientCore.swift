import Wire

/// What a client decides, without sockets, clock or randomness: events and a time go in, actions come out.
///
/// Every function that takes an event appends to `actions`; the shell performs them in order and clears
/// them. A call ends by exactly one `.end`. Its table is bounded by `maximumCallsInFlight`.
struct ClientCore: Sendable {
    let configuration: ClientConfiguration
    var sessions: [BrokerSession]
    var calls: [Call] = []
    var actions: [Action] = []
    var budget = RetryBudget()
    var counts = Counts()

    var freeSlots: [Int] = []
    var wheel: DeadlineWheel
    /// Used and cleared within one event.
    private var dueSlots: [Int] = []
    private var nextGeneration: UInt64 = 1
    private var nextBroker = 0
    private var tickedAt: MonotonicTime

    /// What happened that no caller is told of.
    struct Counts: Hashable, Sendable {
        var calls: UInt64 = 0
        var retries: UInt64 = 0
        /// Answers that came after their call had ended, or twice.
        var lateAnswers: UInt64 = 0
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

    var callsInFlight: Int { calls.count - freeSlots.count }

    // MARK: Calls

    /// What the core has to know of a new call.
    struct Request: Hashable, Sendable {
        var isRepeatable: Bool
        var maximumAttempts: Int
        var deadline: MonotonicTime
        var pin: Int?
    }

    /// Takes a call on and returns its slot, or nil when the table is full.
    mutating func begin(_ request: Request, now: MonotonicTime) -> Int? {
        guard let slot = takeSlot() else { return nil }
        counts.calls += 1
        calls[slot] = Call(
            generation: nextGeneration, maximumAttempts: UInt8(request.maximumAttempts),
            isRepeatable: request.isRepeatable, pin: request.pin, deadline: request.deadline)
        nextGeneration += 1
        wheel.set(slot, due: request.deadline)
        if request.deadline <= now {
            end(slot, Ending(status: .deadlineExceeded, certainty: .notExecuted, cause: .deadline))
        } else {
            dispatch(slot)
        }
        return slot
    }

    private mutating func takeSlot() -> Int? {
        if let slot = freeSlots.popLast() { return slot }
        guard calls.count < configuration.maximumCallsInFlight else { return nil }
        calls.append(Call())
        wheel.grow()
        return calls.count - 1
    }

    /// The caller no longer waits. Its order, if there is one, stands.
    mutating func cancel(_ slot: Int) {
        let call = calls[slot]
        guard call.state != .free else { return }
        if call.state == .sent, let broker = call.broker {
            actions.append(.cancel(broker: broker, id: call.id(slot: slot)))
        }
        let certainty: Certainty = call.state == .sent ? .maybeExecuted : .notExecuted
        end(slot, Ending(status: .cancelled, certainty: call.certainty(certainty), cause: .cancellation))
    }

    /// The socket has taken the message: from now on the call may run.
    mutating func handedOver(_ slot: Int) {
        guard calls[slot].state == .assigned else { return }
        calls[slot].state = .sent
    }

    /// The socket has not taken the message: the connection is gone, and this attempt never was.
    mutating func notTaken(_ slot: Int, now: MonotonicTime, random: UInt64) {
        guard calls[slot].state == .assigned, let broker = calls[slot].broker else { return }
        disconnected(broker, now: now, random: random)
    }

    /// Ends every call. Nothing may follow.
    mutating func close() {
        for slot in calls.indices where calls[slot].state != .free {
            let certainty: Certainty = calls[slot].state == .sent ? .maybeExecuted : .notExecuted
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
        leaveSession(slot)
        wheel.remove(slot)
        calls[slot].state = .free
        freeSlots.append(slot)
        actions.append(.end(slot: slot, ending))
    }

    /// Takes the call's attempt off its session's count.
    mutating func leaveSession(_ slot: Int) {
        switch calls[slot].state {
        case .assigned, .sent: if let broker = calls[slot].broker { sessions[broker].attempts -= 1 }
        case .free, .waiting, .backingOff: break
        }
    }

    // MARK: Dispatch

    /// Begins the next attempt of a call that is in no session, or lets it wait for one.
    mutating func dispatch(_ slot: Int) {
        guard let broker = chooseBroker(pin: calls[slot].pin, avoiding: calls[slot].broker) else {
            calls[slot].state = .waiting
            return
        }
        calls[slot].state = .assigned
        calls[slot].broker = broker
        calls[slot].attempts += 1
        if calls[slot].attempts > 1 { counts.retries += 1 }
        sessions[broker].attempts += 1
        actions.append(.send(slot: slot))
    }

    /// Round robin over the sessions that are up; a retry goes to another broker if there is one.
    private mutating func chooseBroker(pin: Int?, avoiding last: Int?) -> Int? {
        if let pin { return sessions[pin].state == .up ? pin : nil }
        var fallback: Int?
        for _ in sessions.indices {
            let broker = nextBroker
            nextBroker = broker + 1 == sessions.count ? 0 : broker + 1
            guard sessions[broker].state == .up else { continue }
            if broker != last { return broker }
            fallback = broker
        }
        return fallback
    }

    /// A session came up: everything that waited for one goes now.
    mutating func dispatchWaiting() {
        for slot in calls.indices where calls[slot].state == .waiting { dispatch(slot) }
    }

    // MARK: Time

    /// Does what is due: deadlines, retries, silence, new connections.
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
            let certainty: Certainty = call.state == .sent ? .maybeExecuted : .notExecuted
            // What the last attempt was refused for explains more than "too late".
            let reason = call.failure?.reason ?? .none
            return end(
                slot,
                Ending(
                    status: .deadlineExceeded, certainty: call.certainty(certainty), reason: reason,
                    cause: .deadline))
        }
        wheel.set(slot, due: call.deadline)
        if call.state == .backingOff { dispatch(slot) }
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
