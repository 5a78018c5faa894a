import Resilience
import Wire

extension ClientCore {
    /// Takes the answer of an attempt. A yes of any attempt wins; a refusal counts only for the newest.
    mutating func answered(_ header: Header, from broker: Int, now: MonotonicTime, random: UInt64) {
        let id = CallID(rawValue: header.callID)
        let slot = id.slot
        guard slot < calls.count, calls[slot].state != .free, calls[slot].generation == id.generation else {
            counts.lateAnswers += 1
            return
        }
        if header.status == .ok {
            budget.succeeded()
            return end(slot, Ending(status: .ok, certainty: .executed, cause: .answer))
        }
        let isNewest = calls[slot].attempts == id.attempt && calls[slot].broker == broker
        guard isNewest, calls[slot].state == .sent else {
            counts.lateAnswers += 1
            return
        }
        let refusal = Ending(
            status: header.status, certainty: header.certainty, reason: header.reason,
            retryAfter: .milliseconds(Int64(header.milliseconds)), cause: .answer)
        charge(refusal)
        attemptFailed(slot, refusal, now: now, random: random)
    }

    /// A decision of the owner shows that the service works, whatever the decision was.
    private mutating func charge(_ refusal: Ending) {
        switch refusal.certainty {
        case .executed: budget.succeeded()
        case .maybeExecuted: budget.failed()
        case .notExecuted: break
        }
    }

    /// Repeats the call later, or ends it with what this attempt said.
    mutating func attemptFailed(_ slot: Int, _ failure: Ending, now: MonotonicTime, random: UInt64) {
        if failure.certainty == .maybeExecuted { calls[slot].mayHaveRun = true }
        let call = calls[slot]
        let wait = max(
            failure.retryAfter, configuration.retry.wait(after: Int(call.attempts), random: random))
        // A wait that outlasts the deadline is an answer now, not a silence until then.
        guard mayRetry(call, failure), call.attempts < call.maximumAttempts, now + wait < call.deadline
        else {
            var ending = failure
            ending.certainty = call.certainty(failure.certainty)
            return end(slot, ending)
        }
        leaveSession(slot)
        calls[slot].state = .backingOff
        calls[slot].failure = failure
        calls[slot].retryAt = now + wait
        wheel.set(slot, due: calls[slot].retryAt)
    }

    /// The retry rules: they follow from the certainty alone.
    private func mayRetry(_ call: Call, _ failure: Ending) -> Bool {
        switch failure.certainty {
        case .executed: false
        case .notExecuted: failure.isPassing
        case .maybeExecuted: call.isRepeatable && budget.allowsRetry
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
