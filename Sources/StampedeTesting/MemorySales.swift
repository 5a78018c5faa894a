import Methods
import Sales
import Wire

/// All sales of a fake cluster: the books that real workers decide from, with a ledger that there is only in
/// memory. Everything that is decided has committed.
struct MemorySales {
    static let partitions = 64

    private var books = (0..<partitions).map { Book(partition: Partition(rawValue: Int16($0))) }
    /// What the clock says, and what a test has added to it.
    private let clock: @Sendable () -> LedgerTime
    private var ahead: Int64 = 0

    init(clock: @escaping @Sendable () -> LedgerTime) { self.clock = clock }

    /// Moves the sales' clock, to open or close their windows.
    mutating func advance(by time: TimeAmount) {
        ahead += time.microseconds
        for index in books.indices { expire(index) }
    }

    /// Ends holds that have run out, as an owner does by its timer.
    private mutating func expire(_ index: Int) {
        while let order = books[index].overdueOrder(now) {
            let entry = books[index].expire(order, at: now)
            books[index].commit(to: entry.sequence)
        }
    }

    private var now: LedgerInstant {
        let now = LedgerTime(rawValue: clock().rawValue + ahead)
        return LedgerInstant(earliest: now, latest: now)
    }

    // MARK: Orders

    mutating func place(_ request: PlaceOrder) throws(Refusal) -> Order {
        let index = MemorySales.partition(request.sale, request.lane)
        expire(index)
        let sequence = try sequence(index, books[index].decide(request, at: now))
        return try order(at: sequence, index)
    }

    mutating func placeMany(_ request: PlaceMany) -> PlacedMany {
        PlacedMany(
            answers: request.orders.map { order in
                let single = PlaceOrder(
                    sale: request.sale, lane: request.lane, buyer: order.buyer, quantity: order.quantity,
                    key: order.key)
                do throws(Refusal) {
                    return .placed(try place(single))
                } catch {
                    let (status, reason) = error.statusAndReason
                    return .refused(status, reason, error.body)
                }
            })
    }

    mutating func settle(_ request: SettleOrder) throws(Refusal) -> Settlement {
        let index = MemorySales.partition(request.sale, request.lane)
        let sequence = try sequence(index, books[index].decide(request, at: now))
        return books[index].order(at: sequence).map(Settlement.placed) ?? .voided
    }

    /// Decides about an order.
    mutating func about(
        _ order: OrderID, _ decide: (inout Book, LedgerInstant) -> Decision
    ) throws(Refusal) -> Order {
        let index = Int(order.partition.rawValue)
        guard books.indices.contains(index) else { throw .unknownOrder }
        expire(index)
        _ = try sequence(index, decide(&books[index], now))
        return try self.order(at: order.sequence, index)
    }

    func unsettled(_ request: ListPayments) -> PaymentList {
        guard books.indices.contains(Int(request.partition.rawValue)) else {
            return PaymentList(payments: [])
        }
        let book = books[Int(request.partition.rawValue)]
        return PaymentList(
            payments: book.unsettledPayments(after: request.after, maximum: PaymentList.maximum).compactMap {
                payment in
                book.order(at: payment.order).map {
                    .init(order: $0, attempt: payment.attempt, isOwed: payment.isOwed)
                }
            })
    }

    func order(_ id: OrderID) throws(Refusal) -> Order {
        guard books.indices.contains(Int(id.partition.rawValue)) else { throw .unknownOrder }
        return try order(at: id.sequence, Int(id.partition.rawValue))
    }

    func orders(_ request: ListOrders) throws(Refusal) -> OrderList {
        let book = books[MemorySales.partition(request.sale, request.lane)]
        let page = book.orders(
            of: request.sale, request.lane, buyer: request.buyer, state: request.state, after: request.after,
            limit: Int(min(max(1, request.limit), OrderList.maximum)), looks: .max)
        guard let page else { throw .unknownSale }
        return OrderList(orders: page.orders.compactMap { book.order(at: $0) }, next: page.next)
    }

    private func order(at sequence: Int64, _ index: Int) throws(Refusal) -> Order {
        guard let order = books[index].order(at: sequence) else { throw .unknownOrder }
        return order
    }

    // MARK: Sales

    mutating func create(_ request: CreateSale) throws(Refusal) -> Sale {
        let index = MemorySales.partition(request.sale, .only)
        _ = try sequence(index, books[index].decide(request, at: now))
        return try sale(request.sale, .only)
    }

    mutating func change(_ request: ChangeSale) throws(Refusal) -> Sale {
        let index = MemorySales.partition(request.sale, .only)
        _ = try sequence(index, books[index].decide(request, at: now))
        return try sale(request.sale, .only)
    }

    func sale(_ id: SaleID, _ lane: Lane) throws(Refusal) -> Sale {
        guard let sale = books[MemorySales.partition(id, lane)].sale(id, lane, at: now) else {
            throw .unknownSale
        }
        return sale
    }

    func list(_ partition: Partition) -> SaleList {
        guard books.indices.contains(Int(partition.rawValue)) else {
            return SaleList(sales: [], isCut: false)
        }
        let book = books[Int(partition.rawValue)]
        let sales = book.sales(maximum: SaleList.maximum, at: now)
        return SaleList(sales: sales, isCut: sales.count < book.saleCount)
    }

    // MARK: Deciding

    private static func partition(_ sale: SaleID, _ lane: Lane) -> Int {
        RoutingKey(sale: sale.rawValue, lane: lane.rawValue).partition(of: partitions)
    }

    /// The entry that answers a request, committed.
    private mutating func sequence(_ index: Int, _ decision: Decision) throws(Refusal) -> Int64 {
        switch decision {
        case .entry(let entry):
            books[index].commit(to: entry.sequence)
            return entry.sequence
        case .existing(let sequence): return sequence
        case .refused(let refusal): throw refusal
        }
    }
}
