import Methods
import Redlock
import Resilience
import Wire

extension Worker {
    /// How the Redis nodes are, as an operator sees it.
    func redisStates() -> RedisStates {
        var uses: [RedisUse] = []
        if let locks { uses.append(RedisUse(purpose: "leases", locks)) }
        if let manager = lockService?.manager { uses.append(RedisUse(purpose: "locks", manager)) }
        return RedisStates(uses: uses)
    }
}

extension RedisUse {
    fileprivate init(purpose: String, _ manager: LockManager) {
        self.init(
            purpose: purpose, outcomes: Outcomes(manager.counts),
            nodes: manager.nodes.map { RedisNodeState($0) })
    }
}

extension RedisUse.Outcomes {
    init(_ counts: LockCounts) {
        self.init()
        acquired = Int64(counts.acquired)
        held = Int64(counts.held)
        split = Int64(counts.split)
        extended = Int64(counts.extended)
        lost = Int64(counts.lost)
        noQuorum = Int64(counts.noQuorum)
        leastLeftMilliseconds = counts.leastLeft?.milliseconds
    }
}

extension RedisNodeState {
    init(_ node: NodeStatus) {
        let state =
            switch node.absence {
            case .quarantined: "quarantined"
            case .suspended: "suspended"
            case .silent: "silent"
            case nil: node.refusal != nil ? "refused" : node.isConnected ? "voting" : "absent"
            }
        var votes = Votes()
        votes.yes = Int64(node.votes.yes)
        votes.no = Int64(node.votes.no)
        votes.error = Int64(node.votes.error)
        votes.timeout = Int64(node.votes.timeout)
        votes.late = Int64(node.votes.late)
        self.init(
            address: "\(node.address)", state: state, breaker: node.breaker.rawValue,
            problem: node.refusal ?? node.lastError ?? "", votes: votes)
    }
}
