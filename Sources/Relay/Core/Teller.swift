public import Ledger
public import Sales

/// Makes events of entries. A value: what it needs of earlier entries is named by `needs`, and given to `tell`.
public struct Teller: Sendable {
    /// Terms by lane of a sale. All that events say of them, price and holds, never changes.
    private var terms: [LaneKey: SaleTerms] = [:]

    /// Lanes whose terms are remembered. Beyond, all are forgotten and looked up again.
    static let termsLimit = 10_000

    private struct LaneKey: Hashable {
        let partition: Partition
        let sale: SaleID
        let lane: Lane
    }

    /// Earlier entries that must be read.
    public struct Needs {
        public var orders: [(order: OrderID, before: Int64)] = []
        public var lanes: [(partition: Partition, sale: SaleID, lane: Lane)] = []
    }

    /// An order has an entry, but was never placed: the audit says more.
    public struct UnknownOrder: Error {
        public let order: OrderID
        public let entry: Int64
    }

    public init() {}

    /// What events of these entries say of orders and sales that came before them.
    public mutating func needs(_ chunks: [Partition: [Entry]]) -> Needs {
        if terms.count > Self.termsLimit { terms.removeAll(keepingCapacity: true) }
        var needs = Needs()
        for (partition, entries) in chunks {
            guard let first = entries.first?.sequence else { continue }
            var orders: Set<Int64> = []
            var lanes: Set<LaneKey> = []
            for entry in entries {
                let lane = LaneKey(partition: partition, sale: entry.sale, lane: entry.lane)
                if let own = entry.terms {
                    if terms[lane] == nil { terms[lane] = own }
                } else if terms[lane] == nil {
                    lanes.insert(lane)
                }
                if let order = entry.order, order < first { orders.insert(order) }
            }
            for order in orders {
                needs.orders.append((OrderID(partition: partition, sequence: order), first))
            }
            for lane in lanes where terms[lane] == nil {
                needs.lanes.append((lane.partition, lane.sale, lane.lane))
            }
        }
        return needs
    }

    public mutating func learn(_ found: [Partition: [Entry]]) {
        for (partition, entries) in found {
            for entry in entries {
                let lane = LaneKey(partition: partition, sale: entry.sale, lane: entry.lane)
                if let own = entry.terms { terms[lane] = own }
            }
        }
    }

    /// Events of a partition's entries, in their order.
    public func tell(
        _ entries: [Entry], of partition: Partition, after histories: [OrderID: OrderHistory]
    ) throws(UnknownOrder) -> [Event] {
        var orders: [Int64: (placing: Entry, life: OrderLife)] = [:]
        var events: [Event] = []
        events.reserveCapacity(entries.count)
        for entry in entries {
            let terms = terms[LaneKey(partition: partition, sale: entry.sale, lane: entry.lane)]
            guard let placed = entry.kind == .orderPlaced ? entry.sequence : entry.order else {
                events.append(Event(partition: partition, entry: entry, order: nil, terms: terms))
                continue
            }
            let id = OrderID(partition: partition, sequence: placed)
            var before: OrderLife?
            var (placing, life) = (entry, entry.beginning(under: terms ?? .unknown))
            if entry.kind != .orderPlaced {
                guard
                    let known = orders[placed] ?? histories[id].map({ $0.standing(under: terms ?? .unknown) })
                else { throw UnknownOrder(order: id, entry: entry.sequence) }
                (placing, life) = known
                before = life
                life.apply(entry, under: terms ?? .unknown)
            }
            orders[placed] = (placing, life)
            events.append(
                Event(
                    partition: partition, entry: entry,
                    order: Event.Standing(id: id, placing: placing, life: life, before: before), terms: terms)
            )
        }
        return events
    }
}

extension OrderHistory {
    fileprivate func standing(under terms: SaleTerms) -> (placing: Entry, life: OrderLife) {
        var life = placing.beginning(under: terms)
        for entry in later where entry.order != nil { life.apply(entry, under: terms) }
        return (placing, life)
    }
}

extension Entry {
    /// The life of the order that it places. One that is about a wait is an offer to who waited.
    fileprivate func beginning(under terms: SaleTerms) -> OrderLife {
        OrderLife(placedAt: at, under: terms, isOffer: about != 0)
    }

    /// The order that it is about, unless it places one.
    fileprivate var order: Int64? {
        switch kind {
        case .paymentBegun, .paymentFailed, .paymentTaken, .paymentTakenLate, .orderExpired, .orderCancelled,
            .refundBegun, .refundDone, .surplusOwed, .surplusReturned:
            about
        case .saleCreated, .saleOpened, .saleClosed, .unitsAdded, .unitsWithdrawn, .salePaused, .saleResumed,
            .limitChanged, .orderPlaced, .keyVoided, .waitBegun, .waitClosed, .waitRanOut, .waitOverLimit:
            nil
        }
    }
}

extension SaleTerms {
    /// Of an order whose sale was never created, which no owner writes: the order is told all the same.
    fileprivate static let unknown = SaleTerms(
        name: "", price: 0, currency: "", limit: 0, opensAt: .distantPast, closesAt: nil)
}
