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
    /// Nodes that were sent the claim, and so may have the key.
    var asked = NodeSet()
    /// Set when the claim was released while votes were outstanding: nothing may bring the key back.
    var isWithdrawn = false

    var isOver: Bool { election.ballot.outstanding == 0 }
}

/// A release that somebody waits for.
struct Farewell {
    let id: UInt64
    let deadline: MonotonicTime
    var outstanding: Int
}
