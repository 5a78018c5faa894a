extension Book {
    // MARK: Deciding

    /// Decides a wait. Whether units are free does not matter: if some are, `tendWaiting` offers them next.
    public mutating func decide(_ request: WaitOrder, at now: LedgerInstant) -> Decision {
        guard request.quantity > 0, request.quantity <= Bounds.quantity else {
            return .refused(.badQuantity(request.quantity))
        }
        guard request.buyer.rawValue > 0 else { return .refused(.badField("buyer")) }
        guard request.key.isKey else { return .refused(.badField("key")) }
        guard let index = stockIndex(request.sale, request.lane) else { return .refused(.unknownSale) }
        let id = RequestID(sale: request.sale, buyer: request.buyer, key: request.key)
        if let sequence = sequence(of: id) {
            let record = record(at: sequence)
            switch record.kind {
            // The order that it led to, or one that was placed outright.
            case .waitBegun, .orderPlaced:
                let isSame = record.quantity == request.quantity && Int(record.sale) == index
                return isSame ? .existing(sequence) : .refused(.keyReused)
            case .keyVoided: return .refused(.keyVoided)
            default: return .refused(.keyReused)
            }
        }
        if let refusal = refusal(of: request, in: index, at: now) { return .refused(refusal) }
        return append(
            Entry(
                kind: .waitBegun, sequence: last + 1, sale: request.sale, lane: request.lane,
                buyer: request.buyer, key: request.key, quantity: request.quantity, at: now.middle))
    }

    private func refusal(of request: WaitOrder, in index: Int, at now: LedgerInstant) -> Refusal? {
        guard now.error <= LedgerClock.maximumError else { return .clockUncertain }
        if let refusal = sales[index].terms.refusal(at: now) { return refusal }
        let limit = sales[index].terms.limit
        // What the buyer waits for counts as held: so nobody waits for more than the sale allows.
        let held = units(heldBy: request.buyer, in: index) + sales[index].waits.units(of: request.buyer)
        guard held <= limit - request.quantity else { return .overLimit(limit: limit, held: held) }
        guard sales[index].waits.count < Bounds.waiting else {
            return .listFull(limit: Int64(Bounds.waiting))
        }
        return nil
    }

    // MARK: Serving

    /// Lets the waiting lists go on by one step: the next entry that their owner makes by itself, if there is one.
    ///
    /// Units that are free go to the first in line who wants no more than there are. Whoever wants more waits on and is
    /// overtaken: units that lie idle until enough of them have come back would help nobody. Limit and window are judged
    /// now. A clock that is not known well enough decides nothing.
    public mutating func tendWaiting(_ now: LedgerInstant) -> Entry? {
        guard !waited.isEmpty, now.error <= LedgerClock.maximumError else { return nil }
        for index in waited {
            guard let (kind, wait) = nextStep(index, now) else { continue }
            return step(kind, wait, now)
        }
        return nil
    }

    /// Lets one wait that was left aside go on, if its turn has come.
    public mutating func tendWait(_ wait: Int64, _ now: LedgerInstant) -> Entry? {
        guard isWaiting(wait), now.error <= LedgerClock.maximumError,
            let (kind, next) = nextStep(Int(record(at: wait).sale), now), next == wait
        else { return nil }
        return step(kind, wait, now)
    }

    private func nextStep(_ index: Int, _ now: LedgerInstant) -> (Entry.Kind, Int64)? {
        let terms = sales[index].terms
        guard let first = sales[index].waits.first else { return nil }
        if let closesAt = terms.closesAt, closesAt <= now.earliest { return (.waitClosed, first.sequence) }
        if record(at: first.sequence).at + Bounds.patience <= now.earliest {
            return (.waitRanOut, first.sequence)
        }
        guard terms.refusal(at: now) == nil, sales[index].left > 0,
            let wait = sales[index].waits.first(fitting: sales[index].left)
        else { return nil }
        let held = units(heldBy: record(at: wait.sequence).buyer, in: index)
        return (held > terms.limit - wait.quantity ? .waitOverLimit : .orderPlaced, wait.sequence)
    }

    private mutating func step(_ kind: Entry.Kind, _ wait: Int64, _ now: LedgerInstant) -> Entry {
        let begun = record(at: wait)
        let sale = sales[Int(begun.sale)]
        let isOffer = kind == .orderPlaced
        let entry = Entry(
            kind: kind, sequence: last + 1, sale: sale.id, lane: sale.lane, buyer: begun.buyer,
            key: begun.key,
            quantity: isOffer ? begun.quantity : 0,
            amount: isOffer ? sale.terms.price * Int64(begun.quantity) : 0, at: now.middle, about: wait)
        apply(entry)
        return entry
    }

    /// The ledger refused to store what a wait led to: nothing waits for it. The next owner tries it again.
    public mutating func leaveWaiting(_ wait: Int64) {
        guard isWaiting(wait) else { return }
        stopWaiting(wait, Int(record(at: wait).sale))
    }

    /// A wait that was left aside has its place again.
    public mutating func reconsiderWait(_ wait: Int64) {
        guard isWaiting(wait), sales[Int(record(at: wait).sale)].waits.ahead(of: wait) == nil else { return }
        goOnWaiting(wait, Int(record(at: wait).sale))
    }

    // MARK: Looking up

    /// How the wait, or the order that a wait asked for, stands; nil when the entry is something else.
    public func wait(at sequence: Int64) -> WaitState? {
        guard sequence >= 1, sequence <= last else { return nil }
        let record = record(at: sequence)
        switch record.kind {
        case .orderPlaced: return order(at: sequence).map { .offered($0) }
        case .waitBegun: break
        default: return nil
        }
        guard let end = waitEnds[sequence] else {
            let waits = sales[Int(record.sale)].waits
            // One that was left aside comes after all others, for now.
            guard let ahead = waits.ahead(of: sequence) else {
                return .waiting(ahead: Int64(waits.count), of: Int64(waits.count) + 1)
            }
            return .waiting(ahead: Int64(ahead), of: Int64(waits.count))
        }
        switch self.record(at: end).kind {
        case .orderPlaced: return order(at: end).map { .offered($0) }
        case .waitClosed: return .ended(.saleClosed)
        case .waitRanOut: return .ended(.ranOut)
        case .waitOverLimit: return .ended(.overLimit)
        case let kind:
            precondition(kind == .keyVoided, "a wait was ended by \(kind)")
            return .ended(.givenUp)
        }
    }

    /// What whoever finds nothing free is told of the sale; nil when there is no such sale.
    ///
    /// Says of the next return what was true when `refreshOutlook` was called last, or nothing.
    public func outlook(_ sale: SaleID, _ lane: Lane) -> Outlook? {
        guard let index = stockIndex(sale, lane) else { return nil }
        let first = sales[index].due.first
        return Outlook(
            held: sales[index].unpaid, next: first.flatMap { isDue($0.order, $0.due) ? $0.due : nil },
            waiting: Int64(sales[index].waits.count))
    }

    /// Looks which of a sale's orders is the next whose units may come back.
    public mutating func refreshOutlook(_ sale: SaleID, _ lane: Lane) {
        guard let index = stockIndex(sale, lane) else { return }
        dropUndue(in: index)
    }

    /// Somebody waits somewhere.
    public var hasWaiting: Bool { !waited.isEmpty }

    /// Sales that somebody waits for, as far as is committed: their gates are closed to everybody else.
    public var waitedSales: [(sale: SaleID, lane: Lane)] {
        waited.compactMap { index in
            guard let first = sales[index].waits.first, first.sequence <= committed else { return nil }
            return (sales[index].id, sales[index].lane)
        }
    }

    /// The sale's units that are not in live orders, as far as is committed; nil when there is no such sale.
    public func committedLeft(_ sale: SaleID, _ lane: Lane) -> Int64? {
        stockIndex(sale, lane).map { sales[$0].committedLeft }
    }

    func isWaiting(_ wait: Int64) -> Bool {
        wait >= 1 && wait <= last && record(at: wait).kind == .waitBegun && waitEnds[wait] == nil
    }

    // MARK: Entries about waits

    /// - Precondition: the entry is the last one.
    mutating func beginWait(_ entry: Entry, _ sale: Int) {
        goOnWaiting(entry.sequence, sale)
    }

    /// Ends the wait that the entry is about.
    ///
    /// - Precondition: the entry's sequence is the next one.
    mutating func endWait(_ entry: Entry, _ sale: Int) {
        precondition(
            isWaiting(entry.about), "entry \(entry.sequence) ends wait \(entry.about), which is none")
        waitEnds[entry.about] = entry.sequence
        stopWaiting(entry.about, sale)
        if entry.kind == .orderPlaced { offers[entry.sequence] = entry.about }
    }

    /// Takes back what ended a wait: it has its place again, and its key.
    mutating func revertWaitEnd(_ wait: Int64, _ id: RequestID, _ sale: Int) {
        waitEnds[wait] = nil
        goOnWaiting(wait, sale)
        setSequence(wait, of: id)
    }

    private mutating func goOnWaiting(_ wait: Int64, _ sale: Int) {
        let begun = record(at: wait)
        if sales[sale].waits.isEmpty {
            waited.insert(sale, at: waited.firstIndex { $0 > sale } ?? waited.endIndex)
        }
        sales[sale].waits.insert(.init(sequence: wait, quantity: begun.quantity), of: begun.buyer)
    }

    mutating func stopWaiting(_ wait: Int64, _ sale: Int) {
        sales[sale].waits.remove(wait, of: record(at: wait).buyer)
        if sales[sale].waits.isEmpty { waited.removeAll { $0 == sale } }
    }
}

extension SaleTerms {
    /// Why nothing is sold now whatever is there. The whole interval in which the ledger's clock may be must lie within
    /// the window.
    @inline(__always)
    func refusal(at now: LedgerInstant) -> Refusal? {
        guard now.earliest >= opensAt else { return .notYetOpen(opensAt: opensAt) }
        if let closesAt, now.latest >= closesAt { return .closed }
        return isPaused ? .paused : nil
    }
}
