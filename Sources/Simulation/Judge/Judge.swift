import Ledger
import Methods
import Receipts
import Redlock
import Resilience
import Sales
import Wire
import Workers

/// Which promise of the design a run broke.
package enum Promise: String, Codable, Sendable, CaseIterable {
    case p1 = "P1"
    case p2 = "P2"
    case p3 = "P3"
    case p4 = "P4"
    case p5 = "P5"
    case p6 = "P6"
    case p7 = "P7"
    case p8 = "P8"
    /// Two valid leases at a time although Redis kept its word.
    case lease = "lease"
    /// What the design says beside the promises.
    case design = "design"
}

/// Holds everything that is said and written against the promises. It shares nothing with the cores but their types.
final class Judge {
    unowned let world: World
    private(set) var violations: [String] = []
    private(set) var promises: Set<Promise> = []
    private(set) var counts = [Int](repeating: 0, count: Sometimes.allCases.count)
    /// Who took which fence: under it nobody else may write (P6).
    private var takers: [[Int64: String]]
    /// When a sale's stock was last zero, and since when it is not, for P7.
    private var lastZero: [SaleID: MonotonicTime] = [:]
    /// What a sale's stock was, entry by entry, and when it was written.
    private var stock: [SaleID: [(at: MonotonicTime, left: Int64)]] = [:]
    /// Where the ledger stood when a gate refused a call of the sale.
    private var refusedAtGate: [SaleID: Int64] = [:]
    /// Requests of which a caller was told for good that they did not run.
    private var absent: [Job.Wish] = []
    private static let most = 8

    init(_ world: World) {
        self.world = world
        takers = Array(repeating: [:], count: world.scenario.partitions)
    }

    func violate(_ promise: Promise, _ text: String) {
        world.log("VIOLATED \(promise.rawValue): \(text)")
        promises.insert(promise)
        guard violations.count < Self.most else { return }
        violations.append("\(promise.rawValue) at \(world.milliseconds) ms: \(text)")
    }

    func note(_ event: Sometimes) { counts[Sometimes.allCases.firstIndex(of: event)!] += 1 }

    // MARK: What is written

    func tookFence(_ ownership: Ownership, _ owner: String) {
        world.log(
            "ledger: \(owner) takes fence \(ownership.fence) of \(ownership.partition), batch \(ownership.batch), last \(ownership.last)"
        )
        takers[Int(ownership.partition.rawValue)][ownership.fence.rawValue] = owner
    }

    func committed(_ batches: [Batch], _ result: LedgerModel.CommitResult, by owner: String) {
        for batch in batches {
            let entries = batch.entries.map {
                "\($0.kind) \($0.sequence) buyer \($0.buyer) key \($0.key.rawValue) x\($0.quantity)"
            }
            world.log(
                "ledger: \(owner) batch \(batch.number) of \(batch.partition), fence \(batch.fence): \(result) \(entries)"
            )
        }
        guard case .committed = result else { return }
        for batch in batches {
            let index = Int(batch.partition.rawValue)
            if takers[index][batch.fence.rawValue] != owner {
                violate(.p6, "\(owner) wrote to \(index) under fence \(batch.fence), which is another's")
            }
            if batch.fence.rawValue != world.ledger.model.rows[index].fence {
                violate(.p6, "\(owner) wrote to \(index) under the old fence \(batch.fence)")
            }
            noteStock(of: batch)
            for entry in batch.entries {
                switch entry.kind {
                case .orderPlaced: if entry.about != 0 { note(.offered) }
                case .keyVoided: if entry.about != 0 { note(.waitGivenUp) }
                case .orderExpired: note(.expired)
                case .paymentTaken: note(.paid)
                case .paymentTakenLate: note(.paidLate)
                case .refundDone, .surplusReturned: note(.sentBack)
                default: break
                }
            }
        }
    }

    /// A batch may empty a sale and fill it again: sold out it was all the same.
    private func noteStock(of batch: Batch) {
        var left: [SaleID: Int64] = [:]
        for entry in batch.entries where entry.stockChange != 0 {
            left[entry.sale, default: world.ledger.model.stock[entry.sale] ?? 0] -= entry.stockChange
        }
        for entry in batch.entries where entry.stockChange != 0 {
            let before = left[entry.sale] ?? 0
            let after = before + entry.stockChange
            stock[entry.sale, default: [(world.now, before)]].append((world.now, after))
            if before == 0 || after == 0 { lastZero[entry.sale] = world.now }
            left[entry.sale] = after
        }
    }

    /// Whether the sale had nothing left at some instant since then.
    func wasEmptied(_ sale: SaleID, since moment: MonotonicTime) -> Bool {
        world.ledger.model.stock[sale] == 0 || lastZero[sale].map { $0 >= moment } ?? false
    }

    /// Whether every unit was sold at some instant of the last second.
    private func wasSoldOut(_ sale: SaleID) -> Bool {
        world.ledger.model.stock[sale] == 0 || lastZero[sale].map { world.now - $0 <= .seconds(1) } ?? false
    }

    /// Whether the sale had so many units at some instant since then, or since the last check that a refusal may rest on.
    private func had(_ left: Int64, _ sale: SaleID, since moment: MonotonicTime) -> Bool {
        guard let known = stock[sale] else { return left == Int64(world.scenario.units) }
        let start = moment - .milliseconds(600)
        let within = known.lastIndex { $0.at < start } ?? 0
        return known[within...].contains { $0.left == left }
    }

    /// An order was accepted, if it commits: at that moment the sale must be open by the ledger's own clock.
    func decided(_ place: PlaceOrder, under terms: SaleTerms, by worker: WorkerProcess) {
        let time = world.ledger.time
        if time < terms.opensAt || terms.closesAt.map({ time >= $0 }) ?? false {
            violate(.p5, "\(worker.name) sells \(place.sale) outside its window")
        }
    }

    // MARK: What is said

    func gateSaidSoldOut(_ sale: SaleID, by broker: BrokerProcess) {
        note(.gateClosed)
        refusedAtGate[sale] = world.ledger.model.rows[world.partition(of: sale)].last
        world.log("\(broker.name) says that \(sale) is sold out")
        if !wasSoldOut(sale) { violate(.p7, "\(broker.name) says that \(sale) is sold out") }
    }

    /// What an owner answers, when it leaves.
    ///
    /// - Parameter asked: when the question was read.
    func answered(
        _ answer: Answer, to question: Request, asked: MonotonicTime, by worker: WorkerProcess
    ) {
        switch answer.reply {
        case .returned, .yielded, .notYielded: return
        case .unavailable: return note(.ledgerRefused)
        case .refused(.clockUncertain): return
        default: break
        }
        world.log("\(worker.name) answers \(answer.reply) to \(question)")
        if case .order(let sequence) = answer.reply, case .place(let place) = question,
            let known = refusedAtGate[place.sale], known < sequence
        {
            refusedAtGate[place.sale] = nil
            note(.gateReopened)
        }
        if !isTrue(answer.reply, question, answer.partition, asked) {
            violate(promise(of: answer.reply), "\(worker.name) answered \(answer.reply) to \(question)")
        }
    }

    private func promise(of reply: Reply) -> Promise {
        switch reply {
        case .scarce: .p7
        case .refused(.overLimit): .p4
        case .refused(.keyReused), .refused(.keyVoided): .p3
        case .refused(.closed), .refused(.notYetOpen): .p5
        default: .p2
        }
    }

    /// Whether the ledger bears the answer out at the moment when it leaves.
    private func isTrue(
        _ reply: Reply, _ question: Request, _ partition: Int, _ asked: MonotonicTime
    ) -> Bool {
        let ledger = world.ledger.model
        switch (reply, question) {
        case (.order(let sequence), .place(let place)):
            guard let entry = ledger.entry(partition, sequence) else { return false }
            return entry.kind == .orderPlaced && entry.buyer == place.buyer && entry.key == place.key
                && entry.quantity == place.quantity && entry.sale == place.sale
        case (.wait(let sequence, let state), .wait(let wait)):
            guard let entry = ledger.entry(partition, sequence), entry.buyer == wait.buyer,
                entry.key == wait.key, entry.quantity == wait.quantity, entry.sale == wait.sale
            else { return false }
            return isTrue(state, of: entry, partition)
        case (.refused(let refusal), .wait(let wait)):
            let place = PlaceOrder(
                sale: wait.sale, buyer: wait.buyer, quantity: wait.quantity, key: wait.key)
            return isTrue(refusal, place, partition, asked)
        case (.broken, .wait(let wait)): return wait.buyer == World.poison
        case (.order(let sequence), .getOrder):
            return ledger.entry(partition, sequence)?.kind == .orderPlaced
        case (.settled(let sequence), .settle(let settle)):
            guard let entry = ledger.entry(partition, sequence) else { return false }
            note(entry.kind == .orderPlaced ? .settledAsPlaced : .settledAsVoid)
            return entry.buyer == settle.buyer && entry.key == settle.key
        case (.sale(let sale), .change(let change)):
            return sale.id == change.sale
                && ledger.entry(partition, sale: change.sale, buyer: .operators, key: change.key) != nil
        case (.sale(let sale), .getSale(let id, _)):
            return sale.id == id && had(sale.left, id, since: asked)
        case (.payments, .listPayments):
            return true
        case (.order(let sequence), .cancel(let cancel)):
            return sequence == cancel.order.sequence
                && isWritten(partition, about: sequence, [.orderCancelled], nil)
        case (.order(let sequence), .revoke(let revoke)):
            return sequence == revoke.order.sequence
                && isWritten(
                    partition, about: sequence,
                    [.orderCancelled, .refundBegun, .orderExpired, .refundDone], nil)
        case (.refused(.unknownOrder), .revoke(let revoke)):
            return isNoOrder(revoke.order.sequence, of: nil, partition, asked)
        case (.refused(.wrongState(let state)), .revoke(let revoke)):
            return wasEver(state, revoke.order.sequence, partition)
        case (.order(let sequence), .beginPayment(let begin)):
            return sequence == begin.order.sequence
                && isWritten(partition, about: sequence, [.paymentBegun], begin.attempt)
        case (.order(let sequence), .recordPayment(let record)):
            let kinds: [Entry.Kind] =
                switch record.outcome {
                case .taken: [.paymentTaken, .paymentTakenLate, .refundBegun, .surplusOwed]
                case .failed: [.paymentFailed]
                case .refunded: [.refundDone, .surplusReturned]
                }
            return sequence == record.order.sequence
                && isWritten(partition, about: sequence, kinds, record.attempt)
        case (.refused(.unknownOrder), .cancel(let cancel)):
            return isNoOrder(cancel.order.sequence, of: cancel.buyer, partition, asked)
        case (.refused(.unknownOrder), .beginPayment(let begin)):
            return isNoOrder(begin.order.sequence, of: begin.buyer, partition, asked)
        case (.refused(.unknownOrder), .recordPayment(let record)):
            return isNoOrder(record.order.sequence, of: nil, partition, asked)
        case (.refused(.wrongState(let state)), .cancel(let cancel)):
            return wasEver(state, cancel.order.sequence, partition)
        case (.refused(.wrongState(let state)), .beginPayment(let begin)):
            return wasEver(state, begin.order.sequence, partition)
        case (.refused(.wrongState(let state)), .recordPayment(let record)):
            return wasEver(state, record.order.sequence, partition)
        case (.refused(.keyReused), .beginPayment(let begin)):
            return ledger.entries[partition].contains { $0.kind == .paymentBegun && $0.key == begin.attempt }
        case (.refused(.unknownAttempt), .recordPayment(let record)):
            let begun = ledger.entries[partition].first {
                $0.kind == .paymentBegun && $0.key == record.attempt && $0.about == record.order.sequence
            }
            return begun.map { isRecent(partition, $0.sequence, asked) } ?? true
        case (.refused(.notEnough(let left)), .change(let change)):
            return had(left, change.sale, since: asked)
        case (.sales(let list), .listSales):
            return list.sales.count == 1
        case (.refused(.unknownOrder), .getOrder(let sequence)):
            return ledger.entry(partition, sequence)?.kind != .orderPlaced
                || isRecent(partition, sequence, asked)
        case (.scarce(let refusal, _, _), .place(let place)), (.refused(let refusal), .place(let place)):
            return isTrue(refusal, place, partition, asked)
        case (.refused(.keyReused), .change(let change)):
            return ledger.entry(partition, sale: change.sale, buyer: .operators, key: change.key) != nil
        case (.broken, .settle(let settle)): return settle.buyer == World.poison
        case (.broken, .place(let place)): return place.buyer == World.poison
        default: return false
        }
    }

    /// Whether the ledger bears out what is said of a wait, which may have gone on since.
    private func isTrue(_ state: WaitState, of entry: Entry, _ partition: Int) -> Bool {
        let end = entry.kind == .waitBegun ? waitEnd(of: entry.sequence, partition) : nil
        switch state {
        case .waiting(let ahead, let waiting):
            return entry.kind == .waitBegun && 0 <= ahead && ahead < waiting
        case .offered(let order):
            return order.id.sequence == (end?.sequence ?? entry.sequence)
                && (end ?? entry).kind == .orderPlaced
        case .ended(.givenUp): return end?.kind == .keyVoided
        case .ended(.saleClosed): return end?.kind == .waitClosed
        case .ended(.ranOut): return end?.kind == .waitRanOut
        case .ended(.overLimit): return end?.kind == .waitOverLimit
        }
    }

    private func waitEnd(of wait: Int64, _ partition: Int) -> Entry? {
        world.ledger.model.entries[partition].first { $0.about == wait }
    }

    /// Waits that are in the ledger and have not ended there.
    private func openWaits(_ partition: Int) -> [Entry] {
        let ended = Set(world.ledger.model.entries[partition].map(\.about))
        return world.ledger.model.entries[partition].filter {
            $0.kind == .waitBegun && !ended.contains($0.sequence)
        }
    }

    func hasWaiting(_ partition: Int) -> Bool { !openWaits(partition).isEmpty }

    /// Somebody waits for no more units than there are.
    func hasServable(_ partition: Int) -> Bool {
        let left = world.ledger.model.stock[world.sale(of: partition)] ?? 0
        return left > 0 && openWaits(partition).contains { Int64($0.quantity) <= left }
    }

    private func isWritten(
        _ partition: Int, about order: Int64, _ kinds: [Entry.Kind], _ key: RequestKey?
    ) -> Bool {
        world.ledger.model.entries[partition].contains {
            $0.about == order && kinds.contains($0.kind) && (key == nil || $0.key == key)
        }
    }

    private func isNoOrder(
        _ sequence: Int64, of buyer: BuyerID?, _ partition: Int, _ asked: MonotonicTime
    ) -> Bool {
        guard let entry = world.ledger.model.entry(partition, sequence), entry.kind == .orderPlaced else {
            return true
        }
        return (buyer != nil && entry.buyer != buyer) || isRecent(partition, sequence, asked)
    }

    /// Whether the order was in this state at some place of the ledger, or its hold has run out.
    private func wasEver(_ state: Order.State, _ order: Int64, _ partition: Int) -> Bool {
        guard let placed = world.ledger.model.entry(partition, order) else { return false }
        var terms: SaleTerms?
        var life: OrderLife?
        for entry in world.ledger.model.entries[partition] {
            if entry.sequence == placed.sequence, let terms {
                life = OrderLife(placedAt: entry.at, under: terms, isOffer: entry.about != 0)
            }
            if entry.about == order, entry.kind.isAboutOrder, let terms { life?.apply(entry, under: terms) }
            if life?.state == state { return true }
            terms = entry.terms ?? terms
        }
        return state == .expired && life?.until.map { $0 <= world.ledger.time } ?? false
    }

    /// Written after it was asked for, or so shortly before that an older check may not know it: the answer may have
    /// waited for a commit since.
    private func isRecent(_ partition: Int, _ sequence: Int64, _ asked: MonotonicTime) -> Bool {
        sequence > lastSettled(partition, asked)
    }

    /// The last place of the ledger that whoever answered what was asked then must have known.
    private func lastSettled(_ partition: Int, _ asked: MonotonicTime) -> Int64 {
        let time = world.ledger.time.rawValue - (world.now - asked).microseconds
        return world.ledger.model.batches[partition].last { time - $0.at.rawValue >= 600_000 }?.last ?? 0
    }

    /// The terms of a sale at all moments since then.
    private func termsInForce(of sale: SaleID, _ partition: Int, since asked: MonotonicTime) -> [SaleTerms] {
        let settled = lastSettled(partition, asked)
        var known: [SaleTerms] = []
        for entry in world.ledger.model.entries[partition] where entry.sale == sale {
            guard let terms = entry.terms else { continue }
            if entry.sequence <= settled { known = [] }
            known.append(terms)
        }
        return known
    }

    /// What a buyer's live orders came to, at all moments since then; and with what he waits for, which who asks to wait is
    /// told, too.
    private func unitsHeld(
        by buyer: BuyerID, of sale: SaleID, _ partition: Int, since asked: MonotonicTime
    ) -> [Int32] {
        let settled = lastSettled(partition, asked)
        var known: [Int32] = [0]
        var held: Int32 = 0
        var waits: [Int64: Int32] = [:]
        for entry in world.ledger.model.entries[partition] where entry.sale == sale && entry.buyer == buyer {
            if entry.about != 0 || entry.kind == .orderPlaced { held -= Int32(entry.stockChange) }
            waits[entry.kind == .waitBegun ? entry.sequence : entry.about] =
                entry.kind == .waitBegun ? entry.quantity : nil
            if entry.sequence <= settled { known = [] }
            known += [held, held + waits.values.reduce(0, +)]
        }
        return known
    }

    private func isTrue(
        _ refusal: Refusal, _ place: PlaceOrder, _ partition: Int, _ asked: MonotonicTime
    ) -> Bool {
        let ledger = world.ledger.model
        let entry = ledger.entry(partition, sale: place.sale, buyer: place.buyer, key: place.key)
        switch refusal {
        case .soldOut:
            note(.saidSoldOut)
            return wasSoldOut(place.sale)
        case .notEnough(let left):
            return left > 0 && left < Int64(place.quantity) && had(left, place.sale, since: asked)
        case .overLimit(let limit, let held):
            note(.saidOverLimit)
            return limit == world.scenario.limit && place.quantity > limit - held
                && unitsHeld(by: place.buyer, of: place.sale, partition, since: asked).contains(held)
        case .waitersFirst:
            note(.waitersCameFirst)
            return ledger.entries[partition].contains {
                $0.kind == .waitBegun
                    && (waitEnd(of: $0.sequence, partition).map { isRecent(partition, $0.sequence, asked) }
                        ?? true)
            }
        case .listFull: return false
        case .keyVoided:
            return ledger.entries[partition].contains {
                $0.kind == .keyVoided && $0.buyer == place.buyer && $0.key == place.key
            }
        case .keyReused:
            return entry.map { $0.quantity != place.quantity || $0.kind != .orderPlaced } ?? false
        case .notYetOpen(let opensAt):
            // It may have waited for a commit since: what counts is when it was asked.
            let time = world.ledger.time.rawValue - (world.now - asked).microseconds
            return terms(of: place.sale).contains { $0.opensAt == opensAt }
                && time < opensAt.rawValue + Self.clockError
        case .closed:
            let time = world.ledger.time.rawValue + Self.clockError
            return termsInForce(of: place.sale, partition, since: asked)
                .contains { $0.closesAt.map { $0.rawValue <= time } ?? false }
        case .paused:
            return termsInForce(of: place.sale, partition, since: asked).contains(where: \.isPaused)
        case .wrongState, .unknownAttempt: return false
        case .unknownSale, .unknownOrder, .saleExists, .badQuantity, .badField, .clockUncertain: return false
        }
    }

    /// A worker's idea of the ledger's clock may be wrong by 100 ms on either side before it refuses to judge.
    private static let clockError: Int64 = 200_000

    /// The terms that the sale ever had.
    private func terms(of sale: SaleID) -> [SaleTerms] {
        world.ledger.model.entries[world.partition(of: sale)].compactMap { $0.sale == sale ? $0.terms : nil }
    }

    // MARK: What callers hear

    /// An answer as it reaches its caller.
    func told(_ wish: Job.Wish, _ header: Header, _ body: Message.Body, by client: ClientProcess) {
        guard header.status == .ok, let (buyer, key, sequence) = order(wish, body) else { return }
        guard sequence != 0 else { return violate(.p2, "\(client.name) has a yes without an order") }
        let sale = world.sale(of: wish.partition)
        let entry = world.ledger.model.entry(world.partition(of: sale), sequence)
        if entry?.buyer.rawValue != buyer || entry?.key.rawValue != UInt128(key) {
            violate(
                .p3,
                "\(client.name) was told order \(sequence) for key \(key) of buyer \(buyer), which is not its"
            )
        }
        let name = OrderName(sale: sale, buyer: buyer, key: key)
        if let known = told[name] {
            note(.duplicateAnswered)
            if known != sequence {
                violate(.p3, "key \(key) of buyer \(buyer) led to \(known) and \(sequence)")
            }
        }
        told[name] = sequence
    }

    /// The order that a yes names, 0 if it should and does not; nil where it need not.
    private func order(_ wish: Job.Wish, _ body: Message.Body) -> (buyer: Int64, key: UInt64, Int64)? {
        switch (wish, body) {
        case (.place(_, let buyer, _, let key), .answer(.order(let sequence))): (buyer, key, sequence)
        case (.place(_, let buyer, _, let key), _): (buyer, key, 0)
        case (.wait(_, let buyer, _, let key), .answer(.wait(_, .offered(let order)))):
            (buyer, key, order.id.sequence)
        default: nil
        }
    }

    private struct OrderName: Hashable {
        let sale: SaleID
        let buyer: Int64
        let key: UInt64
    }
    private var told: [OrderName: Int64] = [:]

    func claimedAbsent(_ wish: Job.Wish) {
        note(.claimedAbsent)
        absent.append(wish)
    }

    // MARK: Leases

    private struct Grant {
        let holder: WorkerProcess
        let life: Int
        let lease: Lease
    }
    private var grants: [String: Grant] = [:]
    /// Of leases that were given up, also by a successor for a holder that was seen to end and lives: an extension that
    /// was under way then may still be told of.
    private var givenUp: Set<LeaseToken> = []

    /// A lease was granted or extended. As long as Redis keeps its word nobody else may have one that is valid.
    func granted(_ lease: Lease, to worker: WorkerProcess) {
        world.log("\(worker.name) holds \(lease.resource) by token \(lease.token)")
        guard !givenUp.contains(lease.token) else { return }
        if world.scenario.isRedisHonest, let other = grants[lease.resource], other.holder !== worker,
            other.holder.isAlive, other.holder.life == other.life,
            other.holder.clock.moment(other.lease.validUntil) > world.now
        {
            violate(
                .lease,
                "\(worker.name) has \(lease.resource) although \(other.holder.name) has it until then")
        }
        grants[lease.resource] = Grant(holder: worker, life: worker.life, lease: lease)
    }

    func released(_ lease: Lease) {
        world.log("token \(lease.token) of \(lease.resource) is given up")
        givenUp.insert(lease.token)
        if grants[lease.resource]?.lease.token == lease.token { grants[lease.resource] = nil }
    }

    // MARK: What workers believe

    func believes(_ worker: WorkerProcess, _ partition: Int) {
        if world.workers.contains(where: { $0 !== worker && $0.isAlive && $0.believes(partition) }) {
            note(.twoBelievedOwners)
        }
    }

    func noted(_ event: WorkerEffect.Note, by worker: WorkerProcess) {
        world.log("\(worker.name) notes \(event)")
        switch event {
        case .resolved(_, let isCommitted): note(isCommitted ? .unknownThatCommitted : .unknownThatDidNot)
        case .badBook(let partition):
            violate(.design, "\(worker.name) finds a gap in the ledger of \(partition)")
        case .wentBack(let partition):
            violate(.design, "\(worker.name) believes that the ledger of \(partition) went back")
        case .lost(_, _, .yielded): note(.handedOver)
        case .lost(_, _, .leaseTaken): note(.leaseTaken)
        case .owned(_, _, let entries): if entries > 0 { note(.takenOver) }
        case .lost, .offender: break
        }
    }

    // MARK: The end

    /// What `stampede audit` would say of the whole ledger, and what callers were told for good.
    func judgeTheEnd() {
        let model = world.ledger.model
        for partition in 0..<world.scenario.partitions {
            judgeEntries(model, partition)
            judgeBatches(model, partition)
            judgeSeals(model, partition)
        }
        for (name, sequence) in told.sorted(by: { $0.value < $1.value }) {
            let partition = world.partition(of: name.sale)
            if model.entry(partition, sequence)?.kind != .orderPlaced {
                violate(.p2, "order \(partition)-\(sequence) was confirmed and is not in the ledger")
            }
        }
        for wish in absent { judgeAbsence(wish, model) }
    }

    private func judgeEntries(_ model: LedgerModel, _ partition: Int) {
        var left: Int64 = 0
        var terms: SaleTerms?
        var held: [BuyerID: Int32] = [:]
        var keys: Set<String> = []
        var lives: [Int64: OrderLife] = [:]
        var waits: [Entry] = []
        for (position, entry) in model.entries[partition].enumerated() {
            if entry.sequence != Int64(position) + 1 { violate(.p6, "a gap in \(partition) at \(position)") }
            if entry.about == 0,
                !keys.insert("\(entry.sale)/\(entry.buyer)/\(entry.key.rawValue)").inserted
            {
                violate(.p3, "key \(entry.key.rawValue) of buyer \(entry.buyer) is twice in \(partition)")
            }
            left += entry.stockChange
            if left < 0 { violate(.p1, "\(partition) is oversold at \(entry.sequence)") }
            judgeWait(entry, partition, left: left - entry.stockChange, &waits)
            if let terms { judgeLife(entry, partition, terms, &lives) }
            if entry.about != 0 || entry.kind == .orderPlaced {
                held[entry.buyer, default: 0] -= Int32(entry.stockChange)
            }
            if entry.kind == .orderPlaced || entry.kind == .paymentTakenLate, let terms {
                if held[entry.buyer]! > terms.limit { violate(.p4, "buyer \(entry.buyer) has too many") }
                if entry.at < terms.opensAt || terms.closesAt.map({ entry.at >= $0 }) ?? false {
                    violate(.p5, "\(partition)-\(entry.sequence) was sold outside the window")
                }
                if terms.isPaused {
                    violate(.design, "\(partition)-\(entry.sequence) was sold while the sale was paused")
                }
            }
            terms = entry.terms ?? terms
        }
        judgeHolds(lives, partition)
        let stock = model.stock[world.sale(of: partition)] ?? 0
        if left != stock {
            violate(.p1, "\(partition) has \(left) units by its entries and \(stock) in stock")
        }
    }

    /// How long after its end a hold may stand: the grace of a take-over, and a second.
    static let lateExpiry = TimeAmount.seconds(2)

    /// No hold outlives its end for long: its units would rot in a sale that is called sold out.
    private func judgeHolds(_ lives: [Int64: OrderLife], _ partition: Int) {
        let time = world.ledger.time.rawValue - Self.lateExpiry.microseconds - Self.clockError
        for (order, life) in lives.sorted(by: { $0.key < $1.key }) {
            if let until = life.until, until.rawValue < time {
                violate(.p7, "the hold of \(partition)-\(order) ran out and never ended")
            }
        }
    }

    /// Where the ledger refuses entries, who waits is left aside with the others of a refused transaction until each is
    /// tried alone, and may be overtaken meanwhile.
    private var mayLeaveAside: Bool { world.ledger.model.refusesSome }

    /// Who waits is served in the order of arrival, as far as there are units, and before everybody else.
    ///
    /// - Parameter left: units before the entry.
    private func judgeWait(_ entry: Entry, _ partition: Int, left: Int64, _ waits: inout [Entry]) {
        if entry.kind == .waitBegun { return waits.append(entry) }
        let endsWait = entry.kind == .orderPlaced || entry.kind == .keyVoided || entry.kind.isWaitEnd
        guard endsWait, entry.about != 0 else {
            if entry.kind == .orderPlaced || entry.kind == .paymentTakenLate, !waits.isEmpty, !mayLeaveAside {
                violate(.design, "\(partition)-\(entry.sequence) came before \(waits.count) who waited")
            }
            return
        }
        guard let index = waits.firstIndex(where: { $0.sequence == entry.about }),
            waits[index].buyer == entry.buyer, waits[index].key == entry.key
        else {
            return violate(.design, "\(partition)-\(entry.sequence) ends \(entry.about), which is no wait")
        }
        let wait = waits.remove(at: index)
        guard entry.kind == .orderPlaced else { return }
        let isOutOfTurn = waits[..<index].contains { Int64($0.quantity) <= left }
        if wait.quantity != entry.quantity || isOutOfTurn && !mayLeaveAside {
            violate(.design, "\(partition)-\(entry.sequence) was offered out of turn")
        }
    }

    /// What happens to an order follows from where it is in its life.
    private func judgeLife(
        _ entry: Entry, _ partition: Int, _ terms: SaleTerms, _ lives: inout [Int64: OrderLife]
    ) {
        if entry.kind == .orderPlaced {
            lives[entry.sequence] = OrderLife(
                placedAt: entry.at, under: terms, isOffer: entry.about != 0)
        } else if entry.kind.isAboutOrder {
            guard let life = lives[entry.about], life.allows(entry.kind, attempt: entry.key) else {
                return violate(
                    .design,
                    "\(partition)-\(entry.sequence), \(entry.kind), does not follow for \(entry.about)")
            }
            if entry.kind == .orderExpired, life.until.map({ entry.at < $0 }) ?? true {
                violate(.design, "\(partition)-\(entry.about) expired before its time")
            }
            lives[entry.about]!.apply(entry, under: terms)
        }
    }

    private func judgeBatches(_ model: LedgerModel, _ partition: Int) {
        var fence: Int64 = 0
        for (position, batch) in model.batches[partition].enumerated() {
            if batch.number != Int64(position) + 1 {
                violate(.p6, "batch \(position + 1) of \(partition) is missing")
            }
            if batch.fence < fence {
                violate(.p6, "fence \(batch.fence) of \(partition) wrote after \(fence)")
            }
            fence = batch.fence
        }
    }

    /// Each batch's seal is that of its entries, and names the batch before.
    private func judgeSeals(_ model: LedgerModel, _ partition: Int) {
        var previous = Digest.zero
        for written in model.batches[partition] {
            guard let seal = written.seal else {
                return violate(.design, "batch \(written.number) of \(partition) has no seal")
            }
            var batch = Batch(
                partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: written.fence),
                number: written.number,
                entries: Array(model.entries[partition][Int(written.first) - 1..<Int(written.last)]))
            batch.seal(after: previous, in: seal.incarnation)
            guard batch.seal == seal else {
                return violate(
                    .design, "the seal of batch \(written.number) of \(partition) is not that of its entries")
            }
            previous = seal.digest
        }
    }

    private func judgeAbsence(_ wish: Job.Wish, _ model: LedgerModel) {
        guard case .place(_, let buyer, _, let key) = wish else { return }
        let partition = world.partition(of: world.sale(of: wish.partition))
        let entry = model.entry(
            partition, sale: world.sale(of: partition), buyer: BuyerID(rawValue: buyer),
            key: RequestKey(rawValue: UInt128(key)))
        // Another job may have used the key: then it is known to whom.
        guard entry?.kind == .orderPlaced, !world.isShared(wish) else { return }
        violate(.p8, "\(wish) was said not to have run, and is in the ledger")
    }
}
