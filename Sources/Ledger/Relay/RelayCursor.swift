public import Sales

/// How far a sink has been told of one partition.
public struct RelayCursor: Hashable, Sendable {
    public let partition: Partition
    /// The last entry that the sink has taken; 0 for none.
    public let sequence: Int64
    /// A hash of that entry, so that another one in its place is noticed; nil when nobody has looked yet.
    public let mark: Int64?

    public init(partition: Partition, sequence: Int64 = 0, mark: Int64? = nil) {
        self.partition = partition
        self.sequence = sequence
        self.mark = mark
    }
}

/// A cursor's step, from where it was.
public struct RelayMove: Hashable, Sendable {
    public let from: Int64
    public let to: RelayCursor

    public init(from: Int64, to: RelayCursor) {
        self.from = from
        self.to = to
    }
}

/// Where a sink stands in one partition, and where the ledger does.
public struct RelayPosition: Hashable, Sendable {
    public let cursor: RelayCursor
    /// Sequence of the partition's last entry.
    public let last: Int64

    public init(cursor: RelayCursor, last: Int64) {
        self.cursor = cursor
        self.last = last
    }
}

/// The earlier entries of an order: the one that placed it, and those about it in their order.
public struct OrderHistory: Sendable {
    public let placing: Entry
    public let later: [Entry]

    public init(placing: Entry, later: [Entry]) {
        self.placing = placing
        self.later = later
    }
}

/// An order as the table `stampede.orders` has it.
public struct OrderRow: Sendable {
    public let partition: Partition
    public let placing: Entry
    public let life: OrderLife
    public let currency: String
    public let changedAt: LedgerTime

    public init(
        partition: Partition, placing: Entry, life: OrderLife, currency: String, changedAt: LedgerTime
    ) {
        self.partition = partition
        self.placing = placing
        self.life = life
        self.currency = currency
        self.changedAt = changedAt
    }
}

/// What is to be added to a row of `stampede.buyers`.
public struct BuyerChange: Sendable {
    public struct Key: Hashable, Sendable {
        public let buyer: BuyerID
        public let sale: SaleID
        public let lane: Lane

        public init(buyer: BuyerID, sale: SaleID, lane: Lane) {
            self.buyer = buyer
            self.sale = sale
            self.lane = lane
        }
    }

    public var orders: Int64 = 0
    public var units: Int64 = 0
    public var unitsPaid: Int64 = 0
    public var amountPaid: Int64 = 0
    /// When the first of the changes happened, and the last.
    public var first: LedgerTime
    public var last: LedgerTime

    public init(at time: LedgerTime) {
        first = time
        last = time
    }
}

/// An event that a sink refused for good.
public struct RelayDeadLetter: Hashable, Sendable {
    public let partition: Partition
    public let sequence: Int64
    public let subject: String
    public let attempts: Int32
    public let reason: String
    public let event: String

    public init(
        partition: Partition, sequence: Int64, subject: String, attempts: Int32, reason: String, event: String
    ) {
        self.partition = partition
        self.sequence = sequence
        self.subject = subject
        self.attempts = attempts
        self.reason = reason
        self.event = event
    }
}
