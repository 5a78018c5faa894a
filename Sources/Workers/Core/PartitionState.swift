package import Redlock
package import Sales
package import Wire

/// What a worker knows of one partition.
package struct PartitionState {
    /// Where the worker is with the partition.
    package enum Phase: Equatable {
        /// Somebody else's or nobody's. Can become `acquiring`.
        case idle
        /// Tries for the lease. Can become `fencing` or `idle`.
        case acquiring
        /// Has the lease, takes the next fence. Can become `loading` or `idle`.
        case fencing
        /// Reads the ledger. Can become `owned` or `idle`.
        case loading
        /// Serves. Can become `yielding` or `idle`.
        case owned
        /// Serves no more; finishes what it has begun, then releases the lease. Becomes `idle`.
        case yielding(LossReason, to: ReplyAddress?)
    }

    package var phase = Phase.idle
    /// Grows with every try, so that outcomes of an old one are ignored.
    package var epoch: UInt32 = 0
    package var lease: Lease?
    package var renewAt = MonotonicTime.distantFuture
    /// The last renewal found no quorum, or found the lease gone and tries to take it anew.
    package var isQuorumLost = false
    /// The lease was not renewed because no broker sees us.
    package var isUnseen = false
    package var isExtending = false
    package var fence = Fence(rawValue: 0)
    /// Number of the last batch that committed or is on its way.
    package var batch: Int64 = 0
    /// Digest of that batch's seal, which the next one names; zero where there is none.
    package var digest = Digest.zero
    /// The one before, for a batch that does not commit.
    package var digestBefore = Digest.zero
    /// Last sequence according to the ledger when the fence was taken.
    package var target: Int64 = 0
    /// When the last successful check of the fence was sent.
    package var checked = MonotonicTime.distantPast
    /// Not tried for before then.
    package var notBefore = MonotonicTime.distantPast
    /// Its owner is not asked for it before then.
    package var asksFrom = MonotonicTime.distantPast
    package var strikes = Strikes()
    package var book: Book
    /// Decided since the last transaction was sent.
    package var open = Layer()
    /// In the transaction that is on its way.
    package var inFlight: Layer?
    /// Sales without units, as far as is committed.
    package var soldOut: Set<SaleLaneKey> = []
    /// Sales whose gate opens by count, and since when: when units of them began to come back.
    package var reopenings: [SaleLaneKey: MonotonicTime] = [:]
    /// How often entries were taken back.
    package var reverts: UInt32 = 0

    package struct SaleLaneKey: Hashable {
        let sale: SaleID
        let lane: Lane
    }

    package init(_ partition: Partition) { book = Book(partition: partition) }

    /// Sales whose gate is closed: those without units, unless units are on their way. The ledger may have them
    /// long before we hear of it, and a buyer must not be turned away from them for longer than a second (P7).
    package var emptied: Set<SaleLaneKey> {
        guard !soldOut.isEmpty else { return [] }
        var emptied = soldOut
        for entry in (inFlight?.entries ?? []) + open.entries where entry.stockChange > 0 {
            emptied.remove(SaleLaneKey(sale: entry.sale, lane: entry.lane))
        }
        return emptied
    }

    /// Holds the lease, or is about to.
    package var isHeld: Bool {
        switch phase {
        case .idle, .acquiring: false
        case .fencing, .loading, .owned, .yielding: true
        }
    }
}
