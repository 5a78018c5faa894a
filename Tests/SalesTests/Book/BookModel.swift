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
        entries(of: sale).filter { $0.kind == .saleCreated || $0.kind == .unitsAdded }
            .reduce(0) { $0 + Int64($1.quantity) }
    }
    func sold(of sale: SaleID) -> Int64 { orders(of: sale).reduce(0) { $0 + Int64($1.quantity) } }
    func left(of sale: SaleID) -> Int64 { added(to: sale) - sold(of: sale) }
    func held(by buyer: BuyerID, of sale: SaleID) -> Int32 {
        orders(of: sale).filter { $0.buyer == buyer }.reduce(0) { $0 + $1.quantity }
    }

    func soldOut() -> [SaleID] {
        var model = self
        model.revert(to: committed)
        return model.entries.filter { $0.kind == .saleCreated && model.left(of: $0.sale) == 0 }.map(\.sale)
    }

    private func answer(_ sale: SaleID, _ buyer: BuyerID, _ key: RequestKey) -> Entry? {
        entries.first { $0.sale == sale && $0.buyer == buyer && $0.key == key }
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
            return known.quantity == request.quantity ? .existing(known.sequence) : .refused(.keyReused)
        }
        if now.error > 100_000 { return .refused(.clockUncertain) }
        if now.earliest < terms.opensAt { return .refused(.notYetOpen(opensAt: terms.opensAt)) }
        if let closesAt = terms.closesAt, closesAt <= now.latest { return .refused(.closed) }
        let (left, held) = (left(of: request.sale), held(by: request.buyer, of: request.sale))
        if left == 0 { return .refused(.soldOut) }
        if held + request.quantity > terms.limit {
            return .refused(.overLimit(limit: terms.limit, held: held))
        }
        return left < Int64(request.quantity) ? .refused(.notEnough(left: left)) : .new(.orderPlaced)
    }

    func answer(to request: SettleOrder) -> Answer {
        guard terms(of: request.sale) != nil else { return .refused(.unknownSale) }
        if let known = answer(request.sale, request.buyer, request.key) { return .existing(known.sequence) }
        return .new(.keyVoided)
    }

    func answer(to request: ChangeSale, at now: LedgerInstant) -> Answer {
        guard terms(of: request.sale) != nil else { return .refused(.unknownSale) }
        let (kind, units): (Entry.Kind, Int32) =
            switch request.change {
            case .open: (.saleOpened, 0)
            case .close: (.saleClosed, 0)
            case .addUnits(let units): (.unitsAdded, units)
            }
        if let known = answer(request.sale, .operators, request.key) {
            return known.kind == kind && known.quantity == units
                ? .existing(known.sequence) : .refused(.keyReused)
        }
        return now.error > 100_000 ? .refused(.clockUncertain) : .new(kind)
    }

    func answer(to request: CreateSale, at now: LedgerInstant) -> Answer {
        if let known = entries(of: request.sale).first {
            guard known.key == request.key else { return .refused(.saleExists) }
            return known.quantity == request.units ? .existing(known.sequence) : .refused(.keyReused)
        }
        return now.error > 100_000 ? .refused(.clockUncertain) : .new(.saleCreated)
    }
}
