import PlantedBugs

/// How a book answers a request.
public enum Decision: Equatable, Sendable {
    /// Something new happens: the entry is applied, and must commit before anybody hears of it.
    case entry(Entry)
    /// The request was answered before: by the entry with this sequence.
    case existing(Int64)
    case refused(Refusal)
}

extension Book {
    /// Decides an order. Looks at the key first, so that an order that exists is never denied.
    public mutating func decide(_ request: PlaceOrder, at now: LedgerInstant) -> Decision {
        guard request.quantity > 0, request.quantity <= Bounds.quantity else {
            return .refused(.badQuantity(request.quantity))
        }
        guard request.buyer.rawValue > 0 else { return .refused(.badField("buyer")) }
        guard request.key.isKey else { return .refused(.badField("key")) }
        guard let index = stockIndex(request.sale, request.lane) else { return .refused(.unknownSale) }
        let id = RequestID(sale: request.sale, buyer: request.buyer, key: request.key)
        if let sequence = sequence(of: id), !(isPlanted(.keyOutsideDecision) && sequence > committed) {
            let record = record(at: sequence)
            switch record.kind {
            case .orderPlaced:
                let isSame = record.quantity == request.quantity && Int(record.sale) == index
                return isSame ? .existing(sequence) : .refused(.keyReused)
            case .keyVoided:
                return .refused(.keyVoided)
            default:
                return .refused(.keyReused)
            }
        }
        if let refusal = refusal(of: request, in: index, at: now) { return .refused(refusal) }
        return append(
            Entry(
                kind: .orderPlaced, sequence: last + 1, sale: request.sale, lane: request.lane,
                buyer: request.buyer, key: request.key, quantity: request.quantity,
                amount: sales[index].terms.price * Int64(request.quantity), at: now.middle))
    }

    func refusal(of request: PlaceOrder, in index: Int, at now: LedgerInstant) -> Refusal? {
        let now = isPlanted(.windowByGuess) ? LedgerInstant(earliest: now.middle, latest: now.middle) : now
        guard now.error <= LedgerClock.maximumError else { return .clockUncertain }
        let terms = sales[index].terms
        let left = sales[index].left
        if let refusal = terms.refusal(at: now) { return refusal }
        guard left > 0 else { return .soldOut }
        // Whether or not those who wait want as few as these: else whoever asks often comes before whoever waits.
        guard sales[index].waits.isEmpty || isPlanted(.waitersOvertaken) else { return .waitersFirst }
        var held = units(heldBy: request.buyer, in: index)
        if isPlanted(.limitOutsideDecision) { held -= uncommittedUnits(of: request.buyer, in: index) }
        guard held <= terms.limit - request.quantity else {
            return .overLimit(limit: terms.limit, held: held)
        }
        guard Int64(request.quantity) <= left else { return .notEnough(left: left) }
        return nil
    }

    /// Ends a request: finds its order, or voids its key.
    public mutating func decide(_ request: SettleOrder, at now: LedgerInstant) -> Decision {
        guard request.buyer.rawValue > 0 else { return .refused(.badField("buyer")) }
        guard request.key.isKey else { return .refused(.badField("key")) }
        guard stockIndex(request.sale, request.lane) != nil else { return .refused(.unknownSale) }
        let id = RequestID(sale: request.sale, buyer: request.buyer, key: request.key)
        var wait: Int64 = 0
        if let sequence = sequence(of: id) {
            // A key of somebody who waits may still lead to an order: it is given up.
            guard isWaiting(sequence) else { return .existing(sequence) }
            wait = sequence
        }
        return append(
            Entry(
                kind: .keyVoided, sequence: last + 1, sale: request.sale, lane: request.lane,
                buyer: request.buyer, key: request.key, at: now.middle, about: wait))
    }

    public mutating func decide(_ request: CreateSale, at now: LedgerInstant) -> Decision {
        if let field = request.badField { return .refused(.badField(field)) }
        if let index = stockIndex(request.sale, .only) {
            let id = RequestID(sale: request.sale, buyer: .operators, key: request.key)
            guard let sequence = sequence(of: id), record(at: sequence).kind == .saleCreated else {
                return .refused(.saleExists)
            }
            let record = record(at: sequence)
            let terms = sales[index].createdTerms
            // "At once" was written down as a moment, which is not after that of the entry.
            let opensAt = request.opensAt ?? min(terms.opensAt, record.at)
            let asked = SaleTerms(
                name: request.name, price: request.price, currency: request.currency, limit: request.limit,
                opensAt: opensAt, closesAt: request.closesAt, hold: request.hold, payment: request.payment)
            return asked == terms && record.quantity == request.units
                ? .existing(sequence) : .refused(.keyReused)
        }
        guard now.error <= LedgerClock.maximumError else { return .refused(.clockUncertain) }
        let opensAt = request.opensAt ?? now.earliest
        if let closesAt = request.closesAt, closesAt <= opensAt { return .refused(.badField("closes")) }
        let terms = SaleTerms(
            name: request.name, price: request.price, currency: request.currency, limit: request.limit,
            opensAt: opensAt, closesAt: request.closesAt, hold: request.hold, payment: request.payment)
        return append(
            Entry(
                kind: .saleCreated, sequence: last + 1, sale: request.sale, lane: .only, buyer: .operators,
                key: request.key, quantity: request.units, at: now.middle, terms: terms))
    }

    public mutating func decide(_ request: ChangeSale, at now: LedgerInstant) -> Decision {
        guard request.key.isKey else { return .refused(.badField("key")) }
        if let field = request.note?.badField { return .refused(.badField(field)) }
        guard let index = stockIndex(request.sale, .only) else { return .refused(.unknownSale) }
        let stock = sales[index]
        let kind: Entry.Kind
        var units: Int32 = 0
        var terms: SaleTerms?
        switch request.change {
        case .open:
            kind = .saleOpened
            // A window that ended is opened without an end; one that still lies ahead keeps it.
            let closesAt = stock.terms.closesAt.flatMap { $0 > now.latest ? $0 : nil }
            // What was open stays so: it does not open anew.
            terms = stock.terms.with(opensAt: min(stock.terms.opensAt, now.earliest), closesAt: closesAt)
        case .close:
            kind = .saleClosed
            let closesAt = now.earliest
            terms = stock.terms.with(opensAt: min(stock.terms.opensAt, closesAt), closesAt: closesAt)
        case .addUnits(let number):
            kind = .unitsAdded
            units = number
            guard number > 0, number <= Bounds.units else { return .refused(.badQuantity(number)) }
        case .withdrawUnits(let number):
            kind = .unitsWithdrawn
            units = number
            guard number > 0, number <= Bounds.units else { return .refused(.badQuantity(number)) }
        case .pause:
            kind = .salePaused
            terms = stock.terms.with(isPaused: true)
        case .resume:
            kind = .saleResumed
            terms = stock.terms.with(isPaused: false)
        case .limit(let number):
            kind = .limitChanged
            units = number
            guard 1...Bounds.quantity ~= number else { return .refused(.badField("limit")) }
            terms = stock.terms.with(limit: number)
        }
        let id = RequestID(sale: request.sale, buyer: .operators, key: request.key)
        if let sequence = sequence(of: id) {
            let record = record(at: sequence)
            return record.kind == kind && record.quantity == units
                ? .existing(sequence) : .refused(.keyReused)
        }
        guard now.error <= LedgerClock.maximumError else { return .refused(.clockUncertain) }
        if kind == .unitsAdded, stock.added + Int64(units) > Bounds.unitsEver {
            return .refused(.badQuantity(units))
        }
        if kind == .unitsWithdrawn, Int64(units) > stock.left {
            return .refused(.notEnough(left: stock.left))
        }
        return append(
            Entry(
                kind: kind, sequence: last + 1, sale: request.sale, lane: .only, buyer: .operators,
                key: request.key, quantity: units, at: now.middle, terms: terms,
                note: request.note.map { EntryNote(actor: $0.actor, reason: $0.reason) }))
    }

    mutating func append(_ entry: Entry) -> Decision {
        apply(entry)
        return .entry(entry)
    }

}

/// What a sale can hold, so that no sum overflows and everything accepted can be stored.
public enum Bounds {
    /// Units in one order.
    public static let quantity: Int32 = 1_000_000
    /// Units in one addition.
    public static let units: Int32 = 1_000_000_000
    public static let unitsEver: Int64 = 1_000_000_000_000
    /// Price of a unit, in minor units.
    public static let price: Int64 = 1_000_000_000_000
    /// How long an order can be held, or an attempt to pay may take: up to 30 days.
    public static let seconds: ClosedRange<Int32> = 1...2_592_000
    /// How many may wait for units of one sale's lane.
    public static let waiting = 100_000
    /// Seconds that a wait lasts at most: six hours.
    public static let patience: Int32 = 21_600
    /// Seconds that units are held for whoever waited for them, before the next in line gets them.
    public static let offer: Int32 = 60
}

extension CreateSale {
    /// The first field that cannot be accepted.
    fileprivate var badField: String? {
        if sale.rawValue <= 0 { return "sale" }
        if !key.isKey { return "key" }
        // NUL and other control characters: the ledger cannot store the one, people cannot read the others.
        if name.isEmpty || name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return "name"
        }
        if !(0...Bounds.price).contains(price) { return "price" }
        if currency.utf8.count != 3
            || !currency.utf8.allSatisfy((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains)
        {
            return "currency"
        }
        if !(1...Bounds.units).contains(units) { return "units" }
        if !(1...Bounds.quantity).contains(limit) { return "limit" }
        if let hold, !(Bounds.seconds ~= hold) { return "hold" }
        if !(Bounds.seconds ~= payment) { return "payment" }
        if let opensAt, !LedgerTime.storable.contains(opensAt) { return "opens" }
        if let closesAt, !LedgerTime.storable.contains(closesAt) { return "closes" }
        return nil
    }
}

extension LedgerTime {
    /// 1970 to about 2286: far from overflow, and from what a mistaken unit would give.
    static let storable = LedgerTime(rawValue: 0)...LedgerTime(rawValue: 10_000_000_000_000_000)
}

extension RequestKey {
    /// Zero is the wire's "no key": taken for one, it would make strangers' requests the same request.
    var isKey: Bool { rawValue != 0 }
}
