public import Ledger
public import Sales

/// What a cursor finds in its partition.
public enum Reading: Equatable, Sendable {
    /// Entries that the sink has not been told, and where the cursor stands after them.
    case entries([Entry], RelayCursor)
    case nothing
    /// The ledger is not the one that the sink was told of.
    case diverged(Divergence)

    public enum Divergence: Hashable, Sendable {
        /// The sink has taken more entries than there are.
        case beyondEnd(last: Int64)
        /// Another entry stands where the sink's last one was.
        case otherEntry
        /// An entry is missing in the sequence.
        case gap(after: Int64)
    }

    /// Judges what was read for a position: the entries from the cursor's own on, in order.
    ///
    /// Every reading begins with the entry that the sink took last, and so notices a ledger that was restored or has
    /// failed over to one that lacks it, even if that has grown past the cursor meanwhile.
    public init(_ position: RelayPosition, _ found: [Entry]) {
        let cursor = position.cursor
        guard cursor.sequence <= position.last else {
            self = .diverged(.beyondEnd(last: position.last))
            return
        }
        var fresh = found[...]
        if cursor.sequence > 0 {
            guard let own = fresh.popFirst(), own.sequence == cursor.sequence,
                cursor.mark.map({ $0 == own.mark }) ?? true
            else {
                self = .diverged(.otherEntry)
                return
            }
        }
        var last = cursor.sequence
        for entry in fresh {
            guard entry.sequence == last + 1 else {
                self = .diverged(.gap(after: last))
                return
            }
            last += 1
        }
        guard let newest = fresh.last else {
            self = .nothing
            return
        }
        self = .entries(
            Array(fresh),
            RelayCursor(partition: cursor.partition, sequence: newest.sequence, mark: newest.mark))
    }
}

extension Reading.Divergence: CustomStringConvertible {
    public var description: String {
        switch self {
        case .beyondEnd(let last): "the sink has taken more entries than there are (\(last))"
        case .otherEntry: "another entry stands where the sink's last one was"
        case .gap(let last): "no entry follows entry \(last), though there are later ones"
        }
    }
}
