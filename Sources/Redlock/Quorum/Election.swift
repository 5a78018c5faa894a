import Wire

/// What became of a vote.
enum Tally<Decision: Hashable>: Hashable {
    /// It counted, and if it decided the election, this is how. Given once per election.
    case counted(Decision?)
    /// The node had voted, or was given up, before.
    case late
}

/// An attempt decided by the votes of the nodes. A value without clock, I/O or randomness.
protocol Election {
    associatedtype Decision: Hashable

    var ballot: Ballot { get }
    /// Nil until the votes so far decide.
    var decision: Decision? { get }
    /// Whether a node that has lost the key is to be given it again, without a vote.
    var mayRepair: Bool { get }

    init(nodes: Int, ttl: TimeAmount, start: MonotonicTime)

    /// Takes a node's vote, at the moment at which it came.
    mutating func record(_ vote: Vote, of node: Int, at now: MonotonicTime) -> Tally<Decision>
}
