public import Sales

/// An entry of the ledger as the outside sees it: what happened, to which order or sale, and where that is now.
public struct Event: Sendable {
    public let partition: Partition
    public let entry: Entry
    /// The order that it is about, as it is after the entry; nil when it is about a sale.
    public let order: Standing?
    /// The terms that the lane of the sale was created with, or has from here on; nil only if the ledger has none.
    public let terms: SaleTerms?

    /// An order between two entries.
    public struct Standing: Equatable, Sendable {
        public let id: OrderID
        /// The entry that placed it.
        public let placing: Entry
        public let life: OrderLife
        /// Before the entry; nil when the entry placed it.
        public let before: OrderLife?
    }

    /// Names the event for good: the entry's place.
    public var id: String { "\(partition)-\(entry.sequence)" }

    /// Events of one subject are told in their order.
    public var subject: String { order?.id.description ?? wait.map { "wait/\($0)" } ?? "sale/\(entry.sale)" }

    /// The wait that it begins or ends, by the place of its first entry.
    public var wait: OrderID? {
        switch entry.kind {
        case .waitBegun: OrderID(partition: partition, sequence: entry.sequence)
        case .orderPlaced, .keyVoided, .waitClosed, .waitRanOut, .waitOverLimit:
            entry.about > 0 ? OrderID(partition: partition, sequence: entry.about) : nil
        case .saleCreated, .saleOpened, .saleClosed, .unitsAdded, .unitsWithdrawn, .salePaused, .saleResumed,
            .limitChanged, .paymentBegun, .paymentFailed, .paymentTaken, .paymentTakenLate, .orderExpired,
            .orderCancelled, .refundBegun, .refundDone, .surplusOwed, .surplusReturned:
            nil
        }
    }

    public var type: String { EventType.name(entry.kind) }
}
