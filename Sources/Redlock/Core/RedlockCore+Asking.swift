import Resilience
import Wire

extension RedlockCore {
    var quorum: Int { Ballot.quorum(of: nodes.count) }

    // MARK: Whom to ask

    /// The nodes that may vote on an extension: the breakers do not hold back what keeps a lease.
    func voters(_ now: MonotonicTime) -> NodeSet {
        var voters = NodeSet()
        for node in nodes.indices where standing(node, now) == .fit && canBeAsked(node, now) {
            voters.insert(node)
        }
        return voters
    }

    /// The nodes to ask for a new lease. Fewer than a quorum means that it is not worth asking any.
    ///
    /// Nodes that are merely slow are asked if there is no quorum without them, so that slowness alone never keeps a
    /// quorum away.
    mutating func candidates(_ now: MonotonicTime) -> NodeSet {
        let voters = voters(now)
        var candidates = NodeSet()
        for node in nodes.indices where voters.contains(node) && nodes[node].breaker.refusal(now) == nil {
            candidates.insert(node)
        }
        guard candidates.count < quorum else { return candidates }
        for node in nodes.indices where voters.contains(node) && nodes[node].isMerelySlow {
            candidates.insert(node)
        }
        return candidates
    }

    /// The node that contenders for a resource ask first after a split vote: for all of them the same, as long as
    /// they see the same nodes alive.
    func leader(for key: String, among candidates: NodeSet) -> Int? {
        // FNV-1a (https://datatracker.ietf.org/doc/draft-eastlake-fnv): the same in every process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let first = Int(hash % UInt64(nodes.count))
        return nodes.indices.lazy.map { (first + $0) % nodes.count }.first { candidates.contains($0) }
    }

    func canBeAsked(_ node: Int, _ now: MonotonicTime) -> Bool {
        nodes[node].canBeAsked(now, patience: configuration.ttl)
    }

    // MARK: Sending

    /// Asks nodes for their votes.
    ///
    /// - Returns: What their breakers are owed, by node.
    mutating func ask(
        _ action: LockCommand.Action, _ claim: Claim, _ number: UInt64, _ voters: NodeSet,
        _ now: MonotonicTime
    ) -> [CircuitBreaker.Permit?] {
        nodes.indices.map { node in
            guard voters.contains(node) else { return nil }
            send(action, claim, number, to: node, now)
            return nodes[node].breaker.begin(now)
        }
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

    mutating func owe(_ claim: Claim, _ node: Int, _ now: MonotonicTime) {
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
}
