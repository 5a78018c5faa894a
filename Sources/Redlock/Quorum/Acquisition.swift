import Wire

/// One attempt to take a lease: the votes come in, the outcome comes out, once.
struct Acquisition: Election {
    enum Decision: Hashable {
        case won(until: MonotonicTime)
        case held(retryAfter: TimeAmount?)
        case noQuorum
    }

    private(set) var ballot: Ballot
    private(set) var decision: Decision?
    private let end: MonotonicTime
    /// Nobody can lose what nobody has.
    let mayRepair = false

    /// - Parameter start: Read before the first byte was sent.
    init(nodes: Int, ttl: TimeAmount, start: MonotonicTime) {
        ballot = Ballot(nodes: nodes)
        end = Validity.end(start: start, ttl: ttl)
    }

    mutating func record(_ vote: Vote, of node: Int, at now: MonotonicTime) -> Tally<Decision> {
        precondition(vote != .missing, "a node cannot miss a key that nobody has set yet")
        guard ballot.record(vote, of: node) else { return .late }
        guard decision == nil else { return .counted(nil) }
        if ballot.isReached {
            decision = now < end ? .won(until: end) : .noQuorum
        } else if ballot.isOutOfReach {
            // With that many failures no attempt could have won.
            let canVote = ballot.votes.count - ballot.failed
            decision = canVote < ballot.quorum ? .noQuorum : .held(retryAfter: retryAfter)
        }
        return .counted(decision)
    }

    /// When enough keys of others run out. Only if a majority is held: otherwise nobody need have won, and
    /// the others are giving up their votes just now.
    private var retryAfter: TimeAmount? {
        guard ballot.held >= ballot.quorum else { return nil }
        let remaining = ballot.votes.compactMap { vote in
            if case .held(let remaining) = vote { remaining } else { nil }
        }.sorted()
        let needed = ballot.quorum - ballot.yes
        return remaining.count >= needed ? remaining[needed - 1] : nil
    }
}
