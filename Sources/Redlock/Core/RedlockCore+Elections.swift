import Resilience
package import Wire

extension RedlockCore {
    // MARK: Answers

    /// A node has answered a command, or will not.
    package mutating func replied(
        _ command: LockCommand, by node: Int, _ reply: LockReply, _ now: MonotonicTime
    ) {
        nodes[node].replied(command.action, reply, now)
        let vote = vote(reply, to: command, of: node, now)
        switch command.action {
        case .acquire:
            let vote = vote == .missing ? .failed : vote
            acquiring(command.attempt, vote, reply.outcome, of: node, now)
        case .extend: extending(command.attempt, vote, reply.outcome, of: node, now)
        case .release: released(command, by: node, reply, now)
        case .repair, .look: break
        }
        tendBreaker(node, now)
    }

    /// Reads a reply as a vote, after what it says about the node itself.
    private mutating func vote(
        _ reply: LockReply, to command: LockCommand, of node: Int, _ now: MonotonicTime
    ) -> Vote {
        switch reply {
        case .lost: return .failed
        case .refused(let text):
            nodes[node].refusal = "It answered: \(text)"
            return .failed
        case .answered(let answer):
            switch nodes[node].health.answered(answer, to: command, now) {
            case .forgot: note(.forgot, node)
            case .clockSet(let amount): note(.clockSet(by: amount), node)
            case nil: break
            }
            guard standing(node, now) == .fit else { return .failed }
            return switch answer.verdict {
            case .yes: .yes
            case .held(let remaining): .held(remaining: remaining)
            case .missing: .missing
            }
        }
    }

    private mutating func released(
        _ command: LockCommand, by node: Int, _ reply: LockReply, _ now: MonotonicTime
    ) {
        if reply == .lost {
            owe(Claim(key: command.key, token: command.token, ttl: command.ttl), node, now)
        }
        guard farewells[command.attempt] != nil else { return }
        farewells[command.attempt]!.outstanding -= 1
        if farewells[command.attempt]!.outstanding == 0 { end(farewell: command.attempt) }
    }

    // MARK: Taking

    /// Counts a vote for an attempt to take a lease.
    ///
    /// - Parameter health: What the node's breaker is to make of it.
    mutating func acquiring(
        _ number: UInt64, _ vote: Vote, _ health: CircuitBreaker.Outcome, of node: Int, _ now: MonotonicTime
    ) {
        guard case .counted(let decision) = acquisitions[number]?.election.record(vote, of: node, at: now)
        else { return late(vote, of: node) }
        nodes[node].votes.count(vote)
        let attempt = acquisitions[number]!
        if let permit = attempt.permits[node] { nodes[node].breaker.record(permit, health, now) }
        if let decision {
            conclude(attempt, decision, now)
        } else if attempt.leader?.node == node, vote != .timedOut {
            return led(number, by: vote, now)
        }
        if attempt.isOver { end(acquisition: number) }
    }

    private mutating func conclude(
        _ attempt: Attempt<Acquisition>, _ decision: Acquisition.Decision, _ now: MonotonicTime
    ) {
        let outcome: AcquireOutcome
        switch decision {
        case .won(let end):
            let lease = Lease(resource: attempt.resource, token: attempt.claim.token, validUntil: end)
            outcome = .acquired(lease)
        case .held(let retryAfter):
            withdraw(attempt, now)
            outcome = .held(retryAfter: retryAfter)
        case .noQuorum:
            withdraw(attempt, now)
            outcome = .noQuorum
        }
        counts.count(outcome, now)
        effects.append(.acquired(id: attempt.id, outcome))
    }

    private mutating func end(acquisition number: UInt64) {
        acquisitions[number] = nil
        skipEnded()
    }

    /// The leader has voted. Of several contenders it chose one; the others do not disturb it. (One that hangs ends
    /// the attempt: its deadline is the followers' too, and they could not vote any more.)
    private mutating func led(_ number: UInt64, by vote: Vote, _ now: MonotonicTime) {
        if case .held = vote {
            conclude(acquisitions[number]!, .held(retryAfter: nil), now)
            return end(acquisition: number)
        }
        let followers = acquisitions[number]!.leader!.followers
        acquisitions[number]!.leader = nil
        for node in nodes.indices where followers.contains(node) {
            acquisitions[number]!.permits[node] = nodes[node].breaker.begin(now)
            send(.acquire, acquisitions[number]!.claim, number, to: node, now)
        }
    }

    /// Releases a lost attempt on every node that was asked, whatever it said: a yes may still be on its way. The
    /// others cannot know its token.
    private mutating func withdraw(_ attempt: Attempt<Acquisition>, _ now: MonotonicTime) {
        for node in nodes.indices where attempt.permits[node] != nil {
            release(attempt.claim, on: node, now)
        }
    }

    private mutating func late(_ vote: Vote, of node: Int) {
        if vote != .timedOut { nodes[node].votes.late += 1 }
    }

    // MARK: Extending

    /// Counts a vote for an attempt to extend a lease.
    ///
    /// - Parameter health: What the node's breaker is to make of it.
    mutating func extending(
        _ number: UInt64, _ vote: Vote, _ health: CircuitBreaker.Outcome, of node: Int, _ now: MonotonicTime
    ) {
        guard case .counted(let decision) = extensions[number]?.election.record(vote, of: node, at: now)
        else { return late(vote, of: node) }
        nodes[node].votes.count(vote)
        let attempt = extensions[number]!
        if let permit = attempt.permits[node] { nodes[node].breaker.record(permit, health, now) }
        if let decision {
            let outcome = outcome(decision, attempt, now)
            counts.count(outcome)
            effects.append(.extended(id: attempt.id, outcome))
        } else if vote == .missing, attempt.election.mayRepair, !attempt.isWithdrawn {
            repair(attempt, on: node, now)
        }
        guard attempt.isOver else { return }
        extensions[number] = nil
        extending[attempt.claim.token]!.removeAll { $0 == number }
        if extending[attempt.claim.token]!.isEmpty { extending[attempt.claim.token] = nil }
        skipEnded()
    }

    private mutating func outcome(
        _ decision: Extension.Decision, _ attempt: Attempt<Extension>, _ now: MonotonicTime
    ) -> ExtendOutcome {
        // Released in the meantime: whatever the nodes said before is void.
        if attempt.isWithdrawn { return .vanished }
        let claim = attempt.claim
        switch decision {
        case .extended(let end):
            repair(attempt, now)
            return .extended(Lease(resource: attempt.resource, token: claim.token, validUntil: end))
        case .taken:
            for node in nodes.indices { release(claim, on: node, now) }
            return .taken
        case .vanished:
            for node in nodes.indices { release(claim, on: node, now) }
            return .vanished
        case .noQuorum: return .noQuorum
        }
    }

    /// Gives the key of a lease that goes on to the nodes that have lost it, and to those that are kept from
    /// voting for a while, so that they know it when they vote again.
    private mutating func repair(_ attempt: Attempt<Extension>, _ now: MonotonicTime) {
        for node in nodes.indices
        where attempt.election.ballot.votes[node] == .missing || standing(node, now).end != nil {
            repair(attempt, on: node, now)
        }
    }

    private mutating func repair(_ attempt: Attempt<Extension>, on node: Int, _ now: MonotonicTime) {
        guard canBeAsked(node, now), nodes[node].canBeTold else { return }
        send(.repair, attempt.claim, 0, to: node, now)
    }
}
