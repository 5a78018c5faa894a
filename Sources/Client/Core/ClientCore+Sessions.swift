import Resilience
import Wire

extension ClientCore {
    // MARK: Connections

    /// The socket has a connection: greet the broker.
    mutating func connected(_ broker: Int, now: MonotonicTime) {
        guard sessions[broker].state == .opening else { return }
        sessions[broker].enter(.greeting, now)
        sessions[broker].heardAt = now
        ping(broker, now)
    }

    /// The session is over. What it had been given may have run.
    mutating func disconnected(_ broker: Int, now: MonotonicTime, random: UInt64) {
        guard sessions[broker].isOpen else { return }
        counts.sessionsLost += 1
        let lasted = sessions[broker].since + BrokerSession.healthyAge <= now
        let retryAt: MonotonicTime
        switch sessions[broker].state {
        case .draining(let time): retryAt = time
        case .up, .greeting, .opening, .down:
            sessions[broker].failures = lasted ? 1 : sessions[broker].failures + 1
            retryAt = now + configuration.reconnect.wait(after: sessions[broker].failures, random: random)
        }
        actions.append(.drop(broker: broker))
        sessions[broker].enter(.down(retryAt: retryAt), now)
        endAttempts(of: broker, now: now, random: random)
    }

    /// Gives every call of a lost session its next attempt, or its end.
    private mutating func endAttempts(of broker: Int, now: MonotonicTime, random: UInt64) {
        var jitter = SplitMix64(seed: random)
        for slot in calls.indices where calls[slot].state == .open {
            if calls[slot].attempt.broker == broker {
                endAttempt(slot, calls[slot].attempt, now: now, random: jitter.next())
            }
            if calls[slot].state == .open, calls[slot].hedge.broker == broker {
                endAttempt(slot, calls[slot].hedge, now: now, random: jitter.next())
            }
        }
    }

    private mutating func endAttempt(
        _ slot: Int, _ attempt: Attempt, now: MonotonicTime, random: UInt64
    ) {
        switch attempt.state {
        case .none: break
        case .assigned:
            // The socket never took it: as if this attempt had not been.
            leaveSession(attempt)
            if calls[slot].attempts == attempt.number { calls[slot].attempts -= 1 }
            if calls[slot].attempt == attempt {
                calls[slot].attempt.state = .none
            } else {
                calls[slot].hedge.state = .none
            }
            guard !calls[slot].attempt.isOpen, !calls[slot].hedge.isOpen else { return }
            dispatch(slot, now: now)
            setDue(slot)
        case .sent:
            let lost = Ending(
                status: .unavailable, certainty: .maybeExecuted, reason: .none, cause: .sessionLost)
            attemptFailed(slot, attempt.number, lost, now: now, random: random)
        }
    }

    // MARK: Answers

    /// Takes a message of a broker. The shell holds its body until the actions are performed.
    mutating func received(_ header: Header, from broker: Int, now: MonotonicTime, random: UInt64) {
        guard sessions[broker].isConnected else { return }
        sessions[broker].heardAt = now
        switch header.kind {
        case .result:
            comeUp(broker, now)
            answered(header, from: broker, now: now, random: random)
        case .data: gotItem(header, from: broker)
        case .credit: credited(header, from: broker)
        case .ping: actions.append(.pong(broker: broker, nonce: header.callID))
        case .pong: comeUp(broker, now)
        case .goAway: drain(broker, retryAfter: .milliseconds(Int64(header.milliseconds)), now, random)
        case .call, .cancel, .returned, .ready, .beat, .own, .disown, .drain, .describe:
            counts.malformed += 1
        }
    }

    private mutating func comeUp(_ broker: Int, _ now: MonotonicTime) {
        guard sessions[broker].state == .greeting else { return }
        sessions[broker].enter(.up, now)
        dispatchWaiting(now: now)
    }

    /// The broker wants no new calls; those in flight end as they would have.
    private mutating func drain(
        _ broker: Int, retryAfter: TimeAmount, _ now: MonotonicTime, _ random: UInt64
    ) {
        if case .draining = sessions[broker].state { return }
        sessions[broker].failures += 1
        let wait = configuration.reconnect.wait(after: sessions[broker].failures, random: random)
        sessions[broker].enter(.draining(retryAt: now + max(retryAfter, wait)), now)
    }

    // MARK: Time

    mutating func tickSession(_ broker: Int, now: MonotonicTime, random: UInt64) {
        let session = sessions[broker]
        switch session.state {
        case .down(let retryAt):
            guard retryAt <= now else { return }
            sessions[broker].enter(.opening, now)
            actions.append(.open(broker: broker))
        case .opening:
            guard now - session.since >= configuration.connectLimit else { return }
            disconnected(broker, now: now, random: random)
        case .draining where session.attempts == 0:
            disconnected(broker, now: now, random: random)
        case .greeting, .up, .draining:
            if now - session.heardAt >= configuration.silenceLimit {
                disconnected(broker, now: now, random: random)
            } else if now - session.pingedAt >= configuration.pingInterval, mustPing(session, now) {
                ping(broker, now)
            }
        }
    }

    /// Silence of theirs is asked about; silence of ours would let the broker forget us.
    private func mustPing(_ session: BrokerSession, _ now: MonotonicTime) -> Bool {
        now - session.heardAt >= configuration.pingInterval
            || session.attempts > 0 && now - session.pingedAt >= configuration.aliveInterval
    }

    private mutating func ping(_ broker: Int, _ now: MonotonicTime) {
        sessions[broker].pingedAt = now
        actions.append(.ping(broker: broker, nonce: UInt64(bitPattern: now.nanoseconds)))
    }

    /// Treats every session as if it had been heard one ping interval ago.
    mutating func forgiveSilence(_ now: MonotonicTime) {
        for broker in sessions.indices where sessions[broker].isConnected {
            sessions[broker].heardAt = max(sessions[broker].heardAt, now - configuration.pingInterval)
        }
    }
}
