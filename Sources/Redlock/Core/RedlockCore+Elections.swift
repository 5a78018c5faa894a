package import Wire

extension RedlockCore {
    // MARK: Asking

    /// Asks all nodes that may vote.
    mutating func ask(
        _ action: LockCommand.Action, _ claim: Claim, _ number: UInt64, _ now: MonotonicTime
    ) -> NodeSet {
        var asked = NodeSet()
        for node in nodes.indices where standing(node, now) == .fit && canBeAsked(node, now) {
            send(action, claim, number, to: node, now)
            asked.insert(node)
        }
        return asked
    }

    /// Deletes the claim's key on a node if it is still the claim's. If the node is away it is owed this.
    ///
    /// Every command of the claim was sent before this on the same connection, so none can overtake it.
    ///
    /// - Returns: Whether a reply will come.
    @discardableResult
    mutating func release(
        _ claim: Claim, on node: Int, for number: UInt64 = 0, _ now: MonotonicTime
    ) -> Bool {
        guard nodes[node].canBeTold else {
            owe(claim, node, now)
            return false
        }
        send(.release, claim, number, to: node, now)
        return true
    }

    private func canBeAsked(_ node: Int, _ now: MonotonicTime) -> Bool {
        nodes[node].canBeAsked(now, patience: configuration.ttl)
    }

    private mutating func owe(_ claim: Claim, _ node: Int, _ now: MonotonicTime) {
        nodes[node].owed.add(claim, until: now + claim.ttl + Validity.drift(of: claim.ttl), now: now)
    }

    mutating func send(
        _ action: LockCommand.Action, _ claim: Claim, _ number: UInt64, to node: Int, _ now: MonotonicTime
    ) {
        nodes[node].sent(action, now)
        let command = LockCommand(
            action, key: claim.key, token: claim.token, ttl: claim.ttl, attempt: number, sent: now)
        effects.append(.send(command, to: node))
    }

    // MARK: Answers

    /// A node has answered a command, or will not.
    package mutating func replied(
        _ command: LockCommand, by node: Int, _ reply: LockReply, _ now: MonotonicTime
    ) {
        nodes[node].replied(command.action, now)
        let vote = vote(reply, of: node, now)
        switch command.action {
        case .acquire: acquiring(command.attempt, vote == .missing ? .failed : vote, of: node, now)
        case .extend: extending(command.attempt, vote, of: node, now)
        case .release: released(command, by: node, reply, now)
        case .repair, .look: break
        }
    }

    /// Reads a reply as a vote, after what it says about the node itself.
    private mutating func vote(_ reply: LockReply, of node: Int, _ now: MonotonicTime) -> Vote {
        switch reply {
        case .lost: return .failed
        case .refused(let text):
            nodes[node].refusal = "It answered: \(text)"
            return .failed
        case .answered(let answer):
            nodes[node].health.answered(answer, now)
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

    // MARK: Counting

    /// Counts a vote for an attempt to take a lease.
    mutating func acquiring(_ number: UInt64, _ vote: Vote, of node: Int, _ now: MonotonicTime) {
        guard case .counted(let decision) = acquisitions[number]?.election.record(vote, of: node, at: now)
        else { return late(vote, of: node) }
        nodes[node].votes.count(vote)
        let attempt = acquisitions[number]!
        switch decision {
        case .won(let end):
            let lease = Lease(resource: attempt.resource, token: attempt.claim.token, validUntil: end)
            effects.append(.acquired(id: attempt.id, .acquired(lease)))
        case .held(let retryAfter):
            withdraw(attempt, now)
            effects.append(.acquired(id: attempt.id, .held(retryAfter: retryAfter)))
        case .noQuorum:
            withdraw(attempt, now)
            effects.append(.acquired(id: attempt.id, .noQuorum))
        case nil: break
        }
        guard attempt.isOver else { return }
        acquisitions[number] = nil
        skipEnded()
    }

    /// Counts a vote for an attempt to extend a lease.
    mutating func extending(_ number: UInt64, _ vote: Vote, of node: Int, _ now: MonotonicTime) {
        guard case .counted(let decision) = extensions[number]?.election.record(vote, of: node, at: now)
        else { return late(vote, of: node) }
        nodes[node].votes.count(vote)
        let attempt = extensions[number]!
        if let decision {
            effects.append(.extended(id: attempt.id, outcome(decision, attempt, now)))
        } else if vote == .missing, attempt.election.mayRepair, !attempt.isWithdrawn {
            repair(attempt, on: node, now)
        }
        guard attempt.isOver else { return }
        extensions[number] = nil
        extending[attempt.claim.token]!.removeAll { $0 == number }
        if extending[attempt.claim.token]!.isEmpty { extending[attempt.claim.token] = nil }
        skipEnded()
    }

    private mutating func late(_ vote: Vote, of node: Int) {
        if vote != .timedOut { nodes[node].votes.late += 1 }
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

    // MARK: Afterwards

    /// Releases a lost attempt on every node that was asked, whatever it said: a yes may still be on its way. The
    /// others cannot know its token.
    private mutating func withdraw(_ attempt: Attempt<Acquisition>, _ now: MonotonicTime) {
        for node in nodes.indices where attempt.asked.contains(node) {
            release(attempt.claim, on: node, now)
        }
    }

    /// Gives the key of a lease that goes on to the nodes that have lost it, and to those that are kept from
    /// voting for a while, so that they know it when they vote again.
    private mutating func repair(_ attempt: Attempt<Extension>, _ now: MonotonicTime) {
        for node in nodes.indices
        where attempt.election.ballot.votes[node] == .missing || standing(node, now) == .quarantined {
            repair(attempt, on: node, now)
        }
    }

    private mutating func repair(_ attempt: Attempt<Extension>, on node: Int, _ now: MonotonicTime) {
        guard canBeAsked(node, now), nodes[node].canBeTold else { return }
        send(.repair, attempt.claim, 0, to: node, now)
    }
}
