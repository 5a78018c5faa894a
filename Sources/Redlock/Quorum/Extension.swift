import Wire

/// One attempt to extend a lease: the votes come in, the outcome comes out, once.
///
/// A node that lost the key votes `missing` even if it is given the key again: somebody else may have held
/// and freed it in between. It is given the key only after the others have decided that the lease goes on.
struct Extension: Election {
    enum Decision: Hashable {
        case extended(until: MonotonicTime)
        case taken
        case vanished
        case noQuorum
    }

    private(set) var ballot: Ballot
    private(set) var decision: Decision?
    private let end: MonotonicTime

    /// - Parameter start: Read before the first byte was sent.
    init(nodes: Int, ttl: TimeAmount, start: MonotonicTime) {
        ballot = Ballot(nodes: nodes)
        end = Validity.end(start: start, ttl: ttl)
    }

    /// True once a quorum has confirmed the lease.
    var mayRepair: Bool {
        if case .extended = decision { true } else { false }
    }

    mutating func record(_ vote: Vote, of node: Int, at now: MonotonicTime) -> Tally<Decision> {
        guard ballot.record(vote, of: node) else { return .late }
        guard decision == nil else { return .counted(nil) }
        if ballot.isReached {
            decision = now < end ? .extended(until: end) : .noQuorum
        } else if ballot.isOutOfReach {
            decision = loss
        }
        return .counted(decision)
    }

    /// How it was lost, or nil while the outstanding votes decide that.
    private var loss: Decision? {
        if ballot.held > 0 { return .taken }
        // A node that failed may still hold the key, so that the next try finds a quorum.
        let possible = ballot.yes + ballot.failed
        if possible >= ballot.quorum { return .noQuorum }
        return possible + ballot.outstanding < ballot.quorum ? .vanished : nil
    }
}
