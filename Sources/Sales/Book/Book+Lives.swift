/// An attempt to pay, by the request that began it: its buyer, sale and key.
struct PaymentAttempt: Equatable, Sendable {
    enum State: UInt8, Sendable {
        /// Money may have moved, or may yet.
        case open
        case failed
        case taken
        /// Its money is to go back.
        case owed
        case returned
    }

    let order: Int64
    var state: State

    /// Somebody still has to find out, or to do, something about it.
    var isUnsettled: Bool { state == .open || state == .owed }
}

/// An attempt that somebody still has to see to: whoever talks to the payment provider starts from these.
public struct UnsettledPayment: Hashable, Comparable, Sendable {
    public let order: Int64
    public let attempt: RequestKey
    /// Its money is to go back; otherwise it is to be found out whether it came.
    public let isOwed: Bool

    public init(order: Int64, attempt: RequestKey, isOwed: Bool) {
        self.order = order
        self.attempt = attempt
        self.isOwed = isOwed
    }

    public static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.order, lhs.attempt.rawValue) < (rhs.order, rhs.attempt.rawValue)
    }
}

/// What an entry about an order replaced, so that it can be put back.
struct ReplacedLife: Sendable {
    let sequence: Int64
    let life: OrderLife
    let id: RequestID
    let attempt: PaymentAttempt?
}

extension Book {
    // MARK: Ending holds

    /// The order whose hold, or whose attempt to pay, ended first, if one has ended by now. A clock that is not known well
    /// enough ends nothing.
    public mutating func overdueOrder(_ now: LedgerInstant) -> Int64? {
        while let next = dueSales.first {
            guard next.due <= now.earliest, now.error <= LedgerClock.maximumError else { return nil }
            let sale = Int(next.order)
            guard sales.indices.contains(sale), let first = sales[sale].due.first, first.due == next.due
            else {
                // The sale's first order is due later by now, or it has none any more.
                dueSales.removeFirst()
                if sales.indices.contains(sale), let first = sales[sale].due.first {
                    dueSales.add(next.order, due: first.due)
                }
                continue
            }
            if isDue(first.order, first.due) { return first.order }
            sales[sale].due.removeFirst()
        }
        return nil
    }

    /// Notes when an order's hold or attempt ends.
    mutating func addDue(_ order: Int64, _ time: LedgerTime, _ sale: Int) {
        sales[sale].due.add(order, due: time)
        // A sale stands in the list of sales with a time that is not after that of its first order.
        if sales[sale].due.first?.order == order { dueSales.add(Int64(sale), due: time) }
    }

    /// Forgets orders that are first in a sale's list and whose time means nothing any more.
    mutating func dropUndue(in sale: Int) {
        while let first = sales[sale].due.first, !isDue(first.order, first.due) {
            sales[sale].due.removeFirst()
        }
    }

    func isDue(_ order: Int64, _ time: LedgerTime) -> Bool {
        guard order <= last, let life = life(of: order) else { return false }
        return life.until == time && !unstorable.contains(order)
    }

    /// Expires an order: its units go back.
    ///
    /// - Precondition: it is overdue.
    public mutating func expire(_ order: Int64, at now: LedgerInstant) -> Entry {
        let entry = entry(.orderExpired, about: order, moving: true, key: record(at: order).key, now)
        apply(entry)
        return entry
    }

    /// The ledger refused to store that the order expired: it is not tried again and again. Whoever asks for the order
    /// finds it as it is, and an operator can revoke it.
    public mutating func leaveOverdue(_ order: Int64) { unstorable.insert(order) }

    /// An order that was left overdue is tried once more.
    public mutating func reconsider(_ order: Int64) {
        guard unstorable.remove(order) != nil, order <= last, let until = life(of: order)?.until else {
            return
        }
        addDue(order, until, Int(record(at: order).sale))
    }

    /// Holds that ran out while nobody could pay go on until then. For an owner that takes over, before it serves.
    public mutating func extendOverdue(_ now: LedgerInstant, to end: LedgerTime) {
        while let order = overdueOrder(now) {
            lives[lifeIndex(of: order)].extend(to: end)
            addDue(order, end, Int(record(at: order).sale))
        }
    }

    // MARK: Deciding

    public mutating func decide(_ request: CancelOrder, at now: LedgerInstant) -> Decision {
        let order = request.order.sequence
        guard request.key.isKey else { return .refused(.badField("key")) }
        guard let life = life(of: order), record(at: order).buyer == request.buyer else {
            return .refused(.unknownOrder)
        }
        if life.state == .cancelled { return .existing(order) }
        guard life.allows(.orderCancelled, attempt: request.key) else {
            return .refused(.wrongState(life.state))
        }
        return append(entry(.orderCancelled, about: order, moving: true, key: request.key, now))
    }

    public mutating func decide(_ request: RevokeOrder, at now: LedgerInstant) -> Decision {
        let order = request.order.sequence
        guard request.key.isKey else { return .refused(.badField("key")) }
        if let field = ChangeSale.Note(actor: request.actor, reason: request.reason).badField {
            return .refused(.badField(field))
        }
        guard let life = life(of: order) else { return .refused(.unknownOrder) }
        let note = EntryNote(actor: request.actor, reason: request.reason)
        switch life.state {
        case .reserved:
            return append(
                entry(.orderCancelled, about: order, moving: true, key: request.key, now, note: note))
        case .paid:
            guard let attempt = life.attempt else { return .refused(.wrongState(life.state)) }
            return append(entry(.refundBegun, about: order, key: attempt, now, note: note))
        case .refunding, .refunded, .cancelled, .expired: return .existing(order)
        case .paying: return .refused(.wrongState(.paying))
        }
    }

    public mutating func decide(_ request: BeginPayment, at now: LedgerInstant) -> Decision {
        let order = request.order.sequence
        guard request.attempt.isKey else { return .refused(.badField("attempt")) }
        guard let life = life(of: order), record(at: order).buyer == request.buyer else {
            return .refused(.unknownOrder)
        }
        if let known = attempts[attemptID(order, request.attempt)] {
            guard known.order == order else { return .refused(.keyReused) }
            return known.state == .failed ? .refused(.wrongState(life.state)) : .existing(order)
        }
        guard life.allows(.paymentBegun, attempt: request.attempt) else {
            return .refused(.wrongState(life.state))
        }
        guard now.error <= LedgerClock.maximumError else { return .refused(.clockUncertain) }
        if let until = life.until, until <= now.earliest { return .refused(.wrongState(.expired)) }
        return append(entry(.paymentBegun, about: order, key: request.attempt, now))
    }

    public mutating func decide(_ request: RecordPayment, at now: LedgerInstant) -> Decision {
        let (order, attempt) = (request.order.sequence, request.attempt)
        guard let life = life(of: order) else { return .refused(.unknownOrder) }
        guard let known = attempts[attemptID(order, attempt)], known.order == order else {
            return .refused(.unknownAttempt)
        }
        switch (request.outcome, known.state) {
        case (.taken, .open), (.taken, .failed):
            if life.allows(.paymentTaken, attempt: attempt) {
                return append(entry(.paymentTaken, about: order, key: attempt, now))
            }
            guard now.error <= LedgerClock.maximumError else { return .refused(.clockUncertain) }
            if life.allows(.paymentTakenLate, attempt: attempt), isForSale(again: order, now) {
                return append(entry(.paymentTakenLate, about: order, moving: true, key: attempt, now))
            }
            let kind: Entry.Kind = life.refunds(attempt) ? .refundBegun : .surplusOwed
            return append(entry(kind, about: order, key: attempt, now))
        case (.failed, .open):
            return append(entry(.paymentFailed, about: order, key: attempt, now))
        case (.refunded, .owed):
            guard life.allows(.refundDone, attempt: attempt) else {
                return append(entry(.surplusReturned, about: order, key: attempt, now))
            }
            // An order that had expired before its money came holds none.
            return append(entry(.refundDone, about: order, moving: life.holdsUnits, key: attempt, now))
        case (.taken, .taken), (.taken, .owed), (.taken, .returned), (.failed, .failed),
            (.refunded, .returned):
            return .existing(order)
        case (.failed, .taken), (.failed, .owed), (.failed, .returned), (.refunded, .open),
            (.refunded, .failed), (.refunded, .taken):
            return .refused(.wrongState(life.state))
        }
    }

    /// Late money buys what anybody could buy now.
    private func isForSale(again order: Int64, _ now: LedgerInstant) -> Bool {
        let record = record(at: order)
        let request = PlaceOrder(
            sale: sales[Int(record.sale)].id, lane: sales[Int(record.sale)].lane, buyer: record.buyer,
            quantity: record.quantity, key: record.key)
        return refusal(of: request, in: Int(record.sale), at: now) == nil
    }

    /// The next entry about an order.
    private func entry(
        _ kind: Entry.Kind, about order: Int64, moving: Bool = false, key: RequestKey, _ now: LedgerInstant,
        note: EntryNote? = nil
    ) -> Entry {
        let placed = record(at: order)
        let sale = sales[Int(placed.sale)]
        return Entry(
            kind: kind, sequence: last + 1, sale: sale.id, lane: sale.lane, buyer: placed.buyer, key: key,
            quantity: moving ? placed.quantity : 0, amount: kind.isPayment ? placed.amount : 0,
            at: now.middle, about: order, note: note)
    }

    private func attemptID(_ order: Int64, _ attempt: RequestKey) -> RequestID {
        let placed = record(at: order)
        return RequestID(sale: sales[Int(placed.sale)].id, buyer: placed.buyer, key: attempt)
    }

    // MARK: Looking up

    /// Attempts to pay that somebody still has to see to, in the order of their orders, after one of them.
    public func unsettledPayments(after last: UnsettledPayment?, maximum: Int) -> [UnsettledPayment] {
        let left = last.map { last in unsettled.filter { last < $0 } } ?? unsettled
        return Array(left.sorted().prefix(maximum))
    }

    /// The life of the order that this entry placed; nil when it placed none.
    func life(of order: Int64) -> OrderLife? {
        guard order >= 1, order <= last, record(at: order).kind == .orderPlaced else { return nil }
        return lives[lifeIndex(of: order)]
    }

    func lifeIndex(of order: Int64) -> Int { Int(record(at: order).link) }

    // MARK: Entries about orders

    mutating func applyLife(_ entry: Entry, _ sale: Int) {
        guard let before = life(of: entry.about), before.allows(entry.kind, attempt: entry.key) else {
            preconditionFailure(
                "entry \(entry.sequence) (\(entry.kind)) does not follow from the life of order \(entry.about)"
            )
        }
        let id = RequestID(sale: entry.sale, buyer: entry.buyer, key: entry.key)
        replacedLives.append(
            ReplacedLife(sequence: entry.sequence, life: before, id: id, attempt: attempts[id]))
        let index = lifeIndex(of: entry.about)
        lives[index].apply(entry, under: sales[sale].terms)
        count(before, lives[index], of: entry.about, in: sale)
        if let until = lives[index].until { addDue(entry.about, until, sale) }
        guard let state = entry.kind.attemptState else { return }
        setAttempt(id, PaymentAttempt(order: entry.about, state: state))
    }

    mutating func revertLife(_ record: Record, _ sale: Int) {
        guard let replaced = replacedLives.popLast() else { preconditionFailure("no life to put back") }
        let index = lifeIndex(of: record.link)
        let after = lives[index]
        lives[index] = replaced.life
        count(after, replaced.life, of: record.link, in: sale)
        if let until = replaced.life.until { addDue(record.link, until, sale) }
        if record.kind.attemptState != nil { setAttempt(replaced.id, replaced.attempt) }
    }

    /// Keeps the sums that follow from where orders are in their lives.
    mutating func count(_ before: OrderLife?, _ after: OrderLife?, of order: Int64, in sale: Int) {
        let placed = record(at: order)
        let units = (after?.holdsUnits == true ? 1 : 0) - (before?.holdsUnits == true ? 1 : 0)
        if units != 0 {
            sales[sale].held[placed.buyer, default: 0] += Int32(units) * placed.quantity
            if sales[sale].held[placed.buyer] == 0 { sales[sale].held[placed.buyer] = nil }
        }
        let unpaid = (after?.isUnpaid == true ? 1 : 0) - (before?.isUnpaid == true ? 1 : 0)
        sales[sale].unpaid += Int64(unpaid) * Int64(placed.quantity)
    }

    private mutating func setAttempt(_ id: RequestID, _ attempt: PaymentAttempt?) {
        for (attempt, isLeaving) in [(attempts[id], true), (attempt, false)] {
            guard let attempt, attempt.isUnsettled else { continue }
            let payment = UnsettledPayment(
                order: attempt.order, attempt: id.key, isOwed: attempt.state == .owed)
            if isLeaving { unsettled.remove(payment) } else { unsettled.insert(payment) }
        }
        attempts[id] = attempt
    }
}

extension OrderLife {
    /// It holds units that nobody has paid for yet.
    var isUnpaid: Bool { state == .reserved || state == .paying }
}

extension Entry.Kind {
    /// What becomes of the attempt that the entry is about, if it is about one.
    var attemptState: PaymentAttempt.State? {
        switch self {
        case .paymentBegun: .open
        case .paymentFailed: .failed
        case .paymentTaken, .paymentTakenLate: .taken
        case .refundBegun, .surplusOwed: .owed
        case .refundDone, .surplusReturned: .returned
        default: nil
        }
    }

    /// Money is what it is about.
    var isPayment: Bool { attemptState != nil }

    /// It is about an order that another entry placed.
    public var isAboutOrder: Bool {
        attemptState != nil || self == .orderExpired || self == .orderCancelled
    }

    /// The owner ended a wait with it that led to nothing.
    public var isWaitEnd: Bool { self == .waitClosed || self == .waitRanOut || self == .waitOverLimit }

    /// Its key is that of the request which it answers.
    var isAnswer: Bool { !isAboutOrder && !isWaitEnd }
}

extension ChangeSale.Note {
    /// The first field that cannot be accepted.
    var badField: String? {
        for (name, text) in [("actor", actor), ("reason", reason)]
        where text.isEmpty || text.utf8.count > EntryNote.longest
            || text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
        {
            return name
        }
        return nil
    }
}
