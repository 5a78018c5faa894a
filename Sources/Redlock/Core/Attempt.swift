import Resilience
import Wire

/// One election under way: its claim, its votes so far, and whom the outcome is for. Ends, at the latest, with
/// its deadline.
struct Attempt<Choice: Election> {
    /// The caller's name for it.
    let id: UInt64
    let resource: String
    let claim: Claim
    let deadline: MonotonicTime
    var election: Choice
    /// By node; nil for those that were not sent the claim, and so cannot have the key.
    var permits: [CircuitBreaker.Permit?]
    /// Set while one node is asked before the others.
    var leader: Leader?
    /// Set when the claim was released while votes were outstanding: nothing may bring the key back.
    var isWithdrawn = false

    /// The node that is asked alone, and those that are asked if it does not refuse.
    struct Leader {
        let node: Int
        let followers: NodeSet
    }

    var isOver: Bool { election.ballot.outstanding == 0 }
}

/// A release that somebody waits for.
struct Farewell {
    let id: UInt64
    let deadline: MonotonicTime
    var outstanding: Int
}
