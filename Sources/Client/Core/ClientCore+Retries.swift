import Resilience
import Wire

extension ClientCore {
    /// Takes the answer of an attempt. A yes of any attempt wins; a refusal counts only for its own.
    mutating func answered(_ header: Header, from broker: Int, now: MonotonicTime, random: UInt64) {
        let id = CallID(rawValue: header.callID)
        guard isLive(id) else {
            counts.lateAnswers += 1
            return
        }
        let slot = id.slot
        let isOpen = isOpen(slot, id.attempt, at: broker)
        if header.status == .ok, isOpen || calls[slot].stream == nil {
            return succeeded(slot, header, from: broker, now: now)
        }
        guard isOpen else {
            counts.lateAnswers += 1
            return
        }
        let refusal = Ending(
            status: header.status, certainty: header.certainty, reason: header.reason,
            retryAfter: .milliseconds(Int64(header.milliseconds)), cause: .answer)
        // A decision of the owner shows that the service works, whatever the decision was.
        if refusal.certainty == .executed { budget.succeeded(callsInFlight: callsInFlight) }
        attemptFailed(slot, id.attempt, refusal, now: now, random: random)
    }

    /// An attempt that this broker's socket has taken and that has not ended.
    func isOpen(_ slot: Int, _ attempt: UInt8, at broker: Int) -> Bool {
        let call = calls[slot]
        return call.attempt.state == .sent && call.attempt.number == attempt && call.attempt.broker == broker
            || call.hedge.state == .sent && call.hedge.number == attempt && call.hedge.broker == broker
    }

    private mutating func succeeded(
        _ slot: Int, _ header: Header, from broker: Int, now: MonotonicTime
    ) {
        budget.succeeded(callsInFlight: callsInFlight)
        if calls[slot].hadOwnerTrouble, let key = calls[slot].key {
            memory.remember(broker, for: key, now: now)
        }
        if calls[slot].isMeasured { latencies.record(now - calls[slot].begunAt, of: calls[slot].method) }
        if calls[slot].attempts > 1 { cancelAttempts(slot, but: CallID(rawValue: header.callID).attempt) }
        if let stream = calls[slot].stream, stream.received != header.sequence {
            return end(slot, Ending(status: .dataLoss, certainty: .executed, cause: .itemsLost))
        }
        end(slot, Ending(status: .ok, certainty: .executed, cause: .answer))
    }

    /// Closes one attempt. The call waits for its other attempt, is repeated later, or ends.
    mutating func attemptFailed(
        _ slot: Int, _ attempt: UInt8, _ failure: Ending, now: MonotonicTime, random: UInt64
    ) {
        let broker = closeAttempt(slot, attempt)
        if failure.certainty == .maybeExecuted { calls[slot].mayHaveRun = true }
        learnOwnerTrouble(slot, failure, at: broker)
        // Of the refusals of two attempts, the one that was executed is the service's own word.
        let isLast = !calls[slot].attempt.isOpen && !calls[slot].hedge.isOpen
        if calls[slot].failure?.certainty != .executed {
            calls[slot].failure = failure
            if !isLast, failure.cause == .answer {
                calls[slot].failure?.cause = .heldAnswer
                actions.append(.hold(slot: slot))
            }
        }
        guard isLast else { return }
        calls[slot].hedgeAt = nil
        repeatOrEnd(slot, now: now, random: random)
    }

    /// Returns the broker that the attempt was at.
    private mutating func closeAttempt(_ slot: Int, _ attempt: UInt8) -> Int {
        if calls[slot].attempt.number == attempt {
            leaveSession(calls[slot].attempt)
            calls[slot].attempt.state = .none
            return Int(calls[slot].attempt.broker)
        }
        precondition(calls[slot].hedge.number == attempt, "attempt \(attempt) of slot \(slot) is not open")
        leaveSession(calls[slot].hedge)
        calls[slot].hedge.state = .none
        return Int(calls[slot].hedge.broker)
    }

    /// The broker could not reach the key's owner: who then can is worth remembering.
    private mutating func learnOwnerTrouble(_ slot: Int, _ failure: Ending, at broker: Int) {
        guard failure.reason == .noOwner || failure.reason == .ownerLost, let key = calls[slot].key else {
            return
        }
        calls[slot].hadOwnerTrouble = true
        if !memory.isEmpty { memory.forget(broker, for: key) }
    }

    private mutating func repeatOrEnd(_ slot: Int, now: MonotonicTime, random: UInt64) {
        let call = calls[slot]
        guard let failure = call.failure else { preconditionFailure("slot \(slot) failed without a failure") }
        let wait = max(
            failure.retryAfter, configuration.retry.wait(after: Int(call.attempts), random: random))
        // A wait that outlasts the deadline is an answer now, not a silence until then.
        guard call.attempts < call.maximumAttempts, now + wait < call.deadline, mayRepeat(call, failure)
        else {
            var ending = failure
            ending.certainty = call.certainty(failure.certainty)
            return end(slot, ending)
        }
        calls[slot].state = .backingOff
        calls[slot].retryAt = now + wait
        setDue(slot)
    }

    /// The retry rules: they follow from the certainty alone. Takes a token where one is needed.
    private mutating func mayRepeat(_ call: Call, _ failure: Ending) -> Bool {
        if call.stream?.isCommitted == true { return false }
        return switch failure.certainty {
        case .executed: false
        case .notExecuted: failure.isPassing
        case .maybeExecuted: call.isRepeatable && budget.spend(callsInFlight: callsInFlight)
        }
    }
}

extension Ending {
    /// A refusal of the machinery that another moment or another broker may not repeat.
    fileprivate var isPassing: Bool {
        switch (status, reason) {
        case (.unavailable, _): true
        case (.resourceExhausted, .overloaded), (.resourceExhausted, .busy), (.resourceExhausted, .noOwner),
            (.resourceExhausted, .draining), (.resourceExhausted, .ledgerUnavailable),
            (.resourceExhausted, .clockUncertain):
            true
        default: false
        }
    }
}
