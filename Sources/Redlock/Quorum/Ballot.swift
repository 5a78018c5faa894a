import PlantedBugs

/// The votes of one attempt, counted. The quorum is a majority of the configured nodes, never of those that
/// happen to be connected: two halves of a split network would both have that.
struct Ballot {
    /// Votes by node; nil while a node's vote is outstanding.
    private(set) var votes: [Vote?]
    private(set) var yes = 0
    private(set) var held = 0
    private(set) var missing = 0
    /// Votes that failed or timed out.
    private(set) var failed = 0

    init(nodes: Int) {
        precondition(nodes > 0, "a ballot needs nodes, not \(nodes)")
        votes = Array(repeating: nil, count: nodes)
    }

    /// How many of the configured nodes decide.
    static func quorum(of nodes: Int) -> Int { isPlanted(.quorumOfTwo) ? 2 : nodes / 2 + 1 }

    var quorum: Int { Self.quorum(of: votes.count) }
    var outstanding: Int { votes.count - yes - held - missing - failed }
    var isReached: Bool { yes >= quorum }
    /// True when the outstanding votes cannot make a quorum any more; so a tie among an even number ends too.
    var isOutOfReach: Bool { yes + outstanding < quorum }

    /// Counts a vote. Only the first of each node counts.
    ///
    /// - Returns: false when the node had voted already.
    mutating func record(_ vote: Vote, of node: Int) -> Bool {
        guard votes[node] == nil else { return false }
        votes[node] = vote
        switch vote {
        case .yes: yes += 1
        case .held: held += 1
        case .missing: missing += 1
        case .failed, .timedOut: failed += 1
        }
        return true
    }
}
