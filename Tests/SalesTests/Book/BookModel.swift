@testable import Sales

/// The rules of a partition written as plainly as possible: a list of entries, and every question answered by
/// reading all of them. Slow, and made apart from `Book`, so that the two can be compared.
struct BookModel {
    private(set) var entries: [Entry] = []
    private(set) var committed = 0

    mutating func append(_ entry: Entry) { entries.append(entry) }
    mutating func revert(to count: Int) { entries.removeLast(entries.count - count) }
    mutating func commit(to count: Int) { committed = count }

    // MARK: Reading

    func entries(of sale: SaleID) -> [Entry] { entries.filter { $0.sale == sale } }
    func terms(of sale: SaleID) -> SaleTerms? { entries(of: sale).last { $0.terms != nil }?.terms }
    func orders(of sale: SaleID) -> [Entry] { entries(of: sale).filter { $0.kind == .orderPlaced } }

    func added(to sale: SaleID) -> Int64 {
        entries(of: sale).reduce(0) { sum, entry in
            switch entry.kind {
            case .saleCreated, .unitsAdded: sum + Int64(entry.quantity)
            case .unitsWithdrawn: sum - Int64(entry.quantity)
            default: sum
            }
        }
    }
    func left(of sale: SaleID) -> Int64 {
        added(to: sale) - orders(of: sale).filter(isLive).reduce(0) { $0 + Int64($1.quantity) }
    }
    func unpaid(of sale: SaleID) -> Int64 {
        orders(of: sale).filter { [.reserved, .paying].contains(state(of: $0)) }
            .reduce(0) { $0 + Int64($1.quantity) }
    }
    func held(by buyer: BuyerID, of sale: SaleID) -> Int32 {
        orders(of: sale).filter { $0.buyer == buyer && isLive($0) }.reduce(0) { $0 + $1.quantity }
    }

    // MARK: Lives

    func happened(to order: Entry) -> [Entry] { entries.filter { $0.about == order.sequence } }
    private func has(_ order: Entry, _ kinds: Entry.Kind...) -> Bool {
        happened(to: order).contains { kinds.contains($0.kind) }
    }
    private func lastAttempt(_ order: Entry) -> Entry? {
        happened(to: order).last { $0.kind == .paymentBegun || $0.kind == .paymentFailed }
    }

    func state(of order: Entry) -> Order.State {
        if has(order, .refundDone) { return .refunded }
        if has(order, .refundBegun) { return .refunding }
        if has(order, .paymentTaken, .paymentTakenLate) { return .paid }
        if has(order, .orderExpired) { return .expired }
        if has(order, .orderCancelled) { return .cancelled }
        return lastAttempt(order)?.kind == .paymentBegun ? .paying : .reserved
    }

    private func isLive(_ order: Entry) -> Bool {
        switch state(of: order) {
        case .reserved, .paying, .paid: true
        case .refunding: has(order, .paymentTaken, .paymentTakenLate)
        case .refunded, .expired, .cancelled: false
        }
    }

    func until(of order: Entry) -> LedgerTime? {
        let terms = entries[..<Int(order.sequence - 1)].last { $0.sale == order.sale && $0.terms != nil }?
            .terms
        guard let terms else { return nil }
        // Whoever waited for it has a minute at most.
        let hold = terms.hold.map { order.at + (order.about == 0 ? $0 : min($0, 60)) }
        switch state(of: order) {
        case .reserved: return hold
        case .paying: return lastAttempt(order).map { max($0.at + terms.payment, hold ?? $0.at) }
        case .paid, .refunding, .refunded, .expired, .cancelled: return nil
        }
    }

    /// What has been found out about an attempt: the last entry about it.
    private func fate(of attempt: RequestKey, _ order: Entry) -> Entry.Kind? {
        entries.last {
            $0.key == attempt && $0.buyer == order.buyer && $0.sale == order.sale && $0.about != 0
        }?.kind
    }

    private func order(_ id: OrderID) -> Entry? {
        entries.first { $0.sequence == id.sequence && $0.kind == .orderPlaced }
    }

    func overdue(_ now: LedgerInstant) -> Set<Int64> {
        Set(
            entries.filter { entry in
                entry.kind == .orderPlaced && until(of: entry).map { $0 <= now.earliest } ?? false
            }.map(\.sequence))
    }

    func answer(to request: CancelOrder) -> Answer {
        guard let order = order(request.order), order.buyer == request.buyer else {
            return .refused(.unknownOrder)
        }
        return switch state(of: order) {
        case .cancelled: .existing(order.sequence)
        case .reserved: .new(.orderCancelled)
        case let state: .refused(.wrongState(state))
        }
    }

    func answer(to request: BeginPayment, at now: LedgerInstant) -> Answer {
        guard let order = order(request.order), order.buyer == request.buyer else {
            return .refused(.unknownOrder)
        }
        if let begun = entries.first(where: {
            $0.kind == .paymentBegun && $0.key == request.attempt && $0.buyer == order.buyer
                && $0.sale == order.sale
        }) {
            if begun.about != order.sequence { return .refused(.keyReused) }
            return fate(of: request.attempt, order) == .paymentFailed
                ? .refused(.wrongState(state(of: order))) : .existing(order.sequence)
        }
        guard state(of: order) == .reserved else { return .refused(.wrongState(state(of: order))) }
        if now.error > 100_000 { return .refused(.clockUncertain) }
        return until(of: order).map { $0 <= now.earliest } ?? false
            ? .refused(.wrongState(.expired)) : .new(.paymentBegun)
    }

    func answer(to request: RecordPayment, at now: LedgerInstant) -> Answer {
        guard let order = order(request.order) else { return .refused(.unknownOrder) }
        guard has(order, .paymentBegun), let fate = fate(of: request.attempt, order),
            happened(to: order).contains(where: { $0.kind == .paymentBegun && $0.key == request.attempt })
        else { return .refused(.unknownAttempt) }
        let state = state(of: order)
        let isOpen = fate == .paymentBegun || fate == .paymentFailed
        switch request.outcome {
        case .taken where isOpen:
            if state == .reserved || (state == .paying && lastAttempt(order)?.key == request.attempt) {
                return .new(.paymentTaken)
            }
            if now.error > 100_000 { return .refused(.clockUncertain) }
            guard state == .expired || state == .cancelled else { return .new(.surplusOwed) }
            let again = PlaceOrder(
                sale: order.sale, buyer: order.buyer, quantity: order.quantity,
                key: RequestKey(rawValue: .max))
            return answer(to: again, at: now) == .new(.orderPlaced)
                ? .new(.paymentTakenLate) : .new(.refundBegun)
        case .taken: return .existing(order.sequence)
        case .failed where fate == .paymentBegun: return .new(.paymentFailed)
        case .failed where fate == .paymentFailed: return .existing(order.sequence)
        case .refunded where fate == .refundBegun: return .new(.refundDone)
        case .refunded where fate == .surplusOwed: return .new(.surplusReturned)
        case .refunded where fate == .refundDone || fate == .surplusReturned: return .existing(order.sequence)
        case .failed, .refunded: return .refused(.wrongState(state))
        }
    }

    func soldOut() -> [SaleID] {
        var model = self
        model.revert(to: committed)
        return model.entries.filter { $0.kind == .saleCreated && model.left(of: $0.sale) == 0 }.map(\.sale)
    }

    private func answer(_ sale: SaleID, _ buyer: BuyerID, _ key: RequestKey) -> Entry? {
        // A wait's key is that of the order which it leads to, or of what voids it.
        entries.last { entry in
            entry.sale == sale && entry.buyer == buyer && entry.key == key
                && (entry.kind.rawValue < 16
                    || [.orderPlaced, .keyVoided, .waitBegun].contains(entry.kind))
        }
    }

    // MARK: What has to be answered

    /// A decision without the entry's content.
    enum Answer: Equatable {
        case new(Entry.Kind)
        case existing(Int64)
        case refused(Refusal)
    }

    func answer(to request: PlaceOrder, at now: LedgerInstant) -> Answer {
        guard let terms = terms(of: request.sale) else { return .refused(.unknownSale) }
        if let known = answer(request.sale, request.buyer, request.key) {
            if known.kind == .keyVoided { return .refused(.keyVoided) }
            if known.kind == .waitBegun { return .refused(.keyReused) }
            return known.quantity == request.quantity ? .existing(known.sequence) : .refused(.keyReused)
        }
        if now.error > 100_000 { return .refused(.clockUncertain) }
        if now.earliest < terms.opensAt { return .refused(.notYetOpen(opensAt: terms.opensAt)) }
        if let closesAt = terms.closesAt, closesAt <= now.latest { return .refused(.closed) }
        if terms.isPaused { return .refused(.paused) }
        let (left, held) = (left(of: request.sale), held(by: request.buyer, of: request.sale))
        if left == 0 { return .refused(.soldOut) }
        if !waits(for: request.sale).isEmpty { return .refused(.waitersFirst) }
        if held + request.quantity > terms.limit {
            return .refused(.overLimit(limit: terms.limit, held: held))
        }
        return left < Int64(request.quantity) ? .refused(.notEnough(left: left)) : .new(.orderPlaced)
    }

    func answer(to request: SettleOrder) -> Answer {
        guard terms(of: request.sale) != nil else { return .refused(.unknownSale) }
        if let known = answer(request.sale, request.buyer, request.key) {
            return known.kind == .waitBegun && !isOver(known) ? .new(.keyVoided) : .existing(known.sequence)
        }
        return .new(.keyVoided)
    }

    // MARK: Waiting

    func isOver(_ wait: Entry) -> Bool { entries.contains { $0.about == wait.sequence } }
    func waits(for sale: SaleID) -> [Entry] {
        entries(of: sale).filter { $0.kind == .waitBegun && !isOver($0) }
    }

    func answer(to request: WaitOrder, at now: LedgerInstant) -> Answer {
        guard let terms = terms(of: request.sale) else { return .refused(.unknownSale) }
        if let known = answer(request.sale, request.buyer, request.key) {
            if known.kind == .keyVoided { return .refused(.keyVoided) }
            return known.quantity == request.quantity ? .existing(known.sequence) : .refused(.keyReused)
        }
        if now.error > 100_000 { return .refused(.clockUncertain) }
        if now.earliest < terms.opensAt { return .refused(.notYetOpen(opensAt: terms.opensAt)) }
        if let closesAt = terms.closesAt, closesAt <= now.latest { return .refused(.closed) }
        if terms.isPaused { return .refused(.paused) }
        let waited = waits(for: request.sale).filter { $0.buyer == request.buyer }.reduce(0) {
            $0 + $1.quantity
        }
        let held = held(by: request.buyer, of: request.sale) + waited
        return held + request.quantity > terms.limit
            ? .refused(.overLimit(limit: terms.limit, held: held)) : .new(.waitBegun)
    }

    /// What the owner does next by itself for those who wait, and for which of them.
    func nextStep(at now: LedgerInstant) -> (kind: Entry.Kind, wait: Int64)? {
        if now.error > 100_000 { return nil }
        for sale in entries.filter({ $0.kind == .saleCreated }).map(\.sale) {
            guard let terms = terms(of: sale), let first = waits(for: sale).first else { continue }
            if let closesAt = terms.closesAt, closesAt <= now.earliest {
                return (.waitClosed, first.sequence)
            }
            if first.at + 21_600 <= now.earliest { return (.waitRanOut, first.sequence) }
            let isOpen =
                terms.opensAt <= now.earliest && terms.closesAt.map { now.latest < $0 } ?? true
                && !terms.isPaused
            guard isOpen, let wait = waits(for: sale).first(where: { Int64($0.quantity) <= left(of: sale) })
            else { continue }
            let isOver = held(by: wait.buyer, of: sale) + wait.quantity > terms.limit
            return (isOver ? .waitOverLimit : .orderPlaced, wait.sequence)
        }
        return nil
    }

    func answer(to request: ChangeSale, at now: LedgerInstant) -> Answer {
        guard terms(of: request.sale) != nil else { return .refused(.unknownSale) }
        let (kind, units): (Entry.Kind, Int32) =
            switch request.change {
            case .open: (.saleOpened, 0)
            case .close: (.saleClosed, 0)
            case .addUnits(let units): (.unitsAdded, units)
            case .withdrawUnits(let units): (.unitsWithdrawn, units)
            case .pause: (.salePaused, 0)
            case .resume: (.saleResumed, 0)
            case .limit(let limit): (.limitChanged, limit)
            }
        if let known = answer(request.sale, .operators, request.key) {
            return known.kind == kind && known.quantity == units
                ? .existing(known.sequence) : .refused(.keyReused)
        }
        if now.error > 100_000 { return .refused(.clockUncertain) }
        if kind == .unitsWithdrawn, Int64(units) > left(of: request.sale) {
            return .refused(.notEnough(left: left(of: request.sale)))
        }
        return .new(kind)
    }

    func answer(to request: CreateSale, at now: LedgerInstant) -> Answer {
        if let known = entries(of: request.sale).first {
            guard known.key == request.key else { return .refused(.saleExists) }
            return known.quantity == request.units ? .existing(known.sequence) : .refused(.keyReused)
        }
        return now.error > 100_000 ? .refused(.clockUncertain) : .new(.saleCreated)
    }
}
