import Ledger
import Methods
import PlantedBugs
import Redlock
import Resilience
package import Sales
package import Wire

/// Everything a worker decides: a value without I/O, clock or randomness of its own. Events, times and random
/// numbers go in; answers and effects come out.
package struct WorkerCore {
    package let configuration: WorkerConfiguration
    /// Answers to be sent, in order. The shell empties the list.
    package var answers: [Answer] = []
    /// What else is to be done. The shell empties the list.
    package var effects: [WorkerEffect] = []

    package var partitions: [PartitionState]
    package var membership: Membership
    /// The life of the ledger that everything here is decided in. Batches say it.
    package var incarnation = Incarnation(systemIdentifier: 0, timeline: 0)
    package var clock: LedgerClock?
    package var breakers: LedgerBreakers
    /// The ledger's connections are up.
    package var isLedgerReady = false
    package var transaction = TransactionState.none
    /// When the transaction that is out was sent, its resolution included.
    package var transactionSent = MonotonicTime.distantPast
    /// Partitions whose open layer has entries.
    package var dirty: [Int] = []
    /// Entries in all open layers together: what the next transaction will hold.
    package var unsent = 0
    /// Requests to be decided again after a transaction that did not commit, or that the next transaction has
    /// no room for; new ones queue up behind them.
    package var again: [Undecided] = []
    /// Most of them. Calls of one order stay below it by the credit that brokers have; calls of several may not.
    package static let maximumUndecided = 65_536
    /// What was decided without a request, in a transaction that the ledger refused: one of them may be why, so each goes
    /// alone when there is time.
    /// Bounded by the entries of the transactions that were refused: an order in it is not tried again before its turn.
    package var suspects: [(partition: Int, about: Int64, isWait: Bool)] = []
    /// The streams that are served here.
    package var desk = WatchDesk()
    /// How many of those go into a transaction. Halved while the ledger refuses one of them.
    package var againLimit: Int
    package var lastCheck = MonotonicTime.distantPast
    package var firstCheck: MonotonicTime?
    package var fitness = Fitness()
    /// When the last tick was, and the last with the ledger's connections up.
    package var lastTick: MonotonicTime?
    package var lastReady = MonotonicTime.distantPast
    /// Until when we stood still ourselves, the first time since the last check.
    package var stoodUntil: MonotonicTime?
    package var isDraining = false
    /// When draining began, and when a successor last asked for a partition.
    package var drainBegan = MonotonicTime.distantPast
    package var lastGiven = MonotonicTime.distantPast
    /// The hand-over that was asked for, if any: one at a time.
    package var asked: Partition?
    /// Draws jitter.
    private var generator: SplitMix64

    /// A request that waits to be decided.
    package struct Undecided {
        let partition: Int
        let to: ReplyAddress
        let request: Request
    }

    /// The transaction on its way. There is at most one.
    package enum TransactionState: Equatable {
        /// Can become `sent`.
        case none
        /// Can become `none` or `resolving`.
        /// Without partitions when the ledger has become another one meanwhile.
        case sent(partitions: [Int])
        /// Its outcome is unknown for these partitions. Becomes `none`.
        /// It is asked anew only when every question that was asked has been answered or has failed.
        case resolving(partitions: [Int], unanswered: Int)
    }

    /// - Parameter seed: of the generator that draws jitter; the same seed gives the same run.
    package init(configuration: WorkerConfiguration, partitions: Int, seed: UInt64) {
        self.configuration = configuration
        self.partitions = (0..<partitions).map { PartitionState(Partition(rawValue: Int16($0))) }
        membership = Membership(name: configuration.name, partitions: partitions)
        againLimit = configuration.maximumEntries
        generator = SplitMix64(seed: seed)
        breakers = LedgerBreakers(slow: configuration.slowCommit, seed: seed)
    }

    package mutating func random() -> UInt64 { generator.next() }

    package mutating func jitter(_ most: TimeAmount) -> TimeAmount {
        TimeAmount(nanoseconds: Int64(random() % UInt64(most.nanoseconds + 1)))
    }

    // MARK: Requests

    /// A request for a partition. Its answer is in `answers` now or after a commit.
    package mutating func receive(
        _ request: Request, for partition: Int, to: ReplyAddress, _ now: MonotonicTime
    ) {
        guard partitions.indices.contains(partition), partitions[partition].phase == .owned else {
            return answer(to, partition, .returned)
        }
        guard isLedgerReady, !isStuck(now), breakers.commit.refusal(now) == nil else {
            return answer(to, partition, .unavailable(.ledger))
        }
        if again.isEmpty, unsent < configuration.maximumEntries {
            decide(request, for: partition, to: to, now)
        } else if again.count >= WorkerCore.maximumUndecided {
            answer(to, partition, .unavailable(.busy))
        } else {
            again.append(Undecided(partition: partition, to: to, request: request))
        }
    }

    /// What a caller that is told of an unavailability is told to wait.
    package func retryAfter(_ why: Unavailability, _ now: MonotonicTime) -> TimeAmount {
        switch why {
        case .ledger where breakers.commit.retryAfter(now) != .zero:
            max(breakers.commit.retryAfter(now), .milliseconds(50))
        // If its breaker lets everything pass, the ledger's connection is away or a transaction hangs, and nobody
        // knows for how long.
        case .ledger, .stale, .busy: .milliseconds(250)
        }
    }

    /// The transaction on its way takes so long that whoever comes now would wait in vain.
    package func isStuck(_ now: MonotonicTime) -> Bool {
        switch transaction {
        case .none: false
        case .sent, .resolving: now - transactionSent > configuration.slowCommit
        }
    }

    /// A caller no longer waits. Withdraws what is not decided yet; never touches an order.
    package mutating func cancel(_ to: ReplyAddress) {
        again.removeAll { $0.to.session == to.session && $0.to.callID == to.callID }
    }

    private mutating func decide(
        _ request: Request, for partition: Int, to: ReplyAddress, _ now: MonotonicTime
    ) {
        guard let clock else { return answer(to, partition, .unavailable(.stale)) }
        let instant = clock.instant(at: now.nanoseconds / 1_000)
        switch request {
        case .place(let order):
            // No timer is load-bearing: who comes before it finds the units that it would have freed. But while it is found
            // out which request the ledger refuses, nothing else goes with it.
            if againLimit == configuration.maximumEntries {
                expireOverdue(partition, at: instant, atMost: WorkerCore.expiriesPerOrder, now)
            }
            conclude(partitions[partition].book.decide(order, at: instant), request, partition, to, now)
        case .settle(let settle):
            conclude(partitions[partition].book.decide(settle, at: instant), request, partition, to, now)
        case .create(let create):
            conclude(partitions[partition].book.decide(create, at: instant), request, partition, to, now)
        case .change(let change):
            conclude(partitions[partition].book.decide(change, at: instant), request, partition, to, now)
        case .wait(let wait):
            conclude(partitions[partition].book.decide(wait, at: instant), request, partition, to, now)
        case .listOrders(let list):
            let page = partitions[partition].book.orders(
                of: list.sale, list.lane, buyer: list.buyer, state: list.state, after: list.after,
                limit: Int(min(max(1, list.limit), OrderList.maximum)), looks: WorkerCore.looksPerPage)
            hold(
                request, page.map { .orders($0.orders, next: $0.next) } ?? .refused(.unknownSale), partition,
                to, now)
        case .watch(let subject):
            hold(request, reply(toWatch: subject, partition), partition, to, now)
        case .cancel(let cancel):
            conclude(partitions[partition].book.decide(cancel, at: instant), request, partition, to, now)
        case .revoke(let revoke):
            conclude(partitions[partition].book.decide(revoke, at: instant), request, partition, to, now)
        case .beginPayment(let begin):
            conclude(partitions[partition].book.decide(begin, at: instant), request, partition, to, now)
        case .recordPayment(let record):
            conclude(partitions[partition].book.decide(record, at: instant), request, partition, to, now)
        case .listPayments(let after):
            let payments = partitions[partition].book.unsettledPayments(
                after: after, maximum: PaymentList.maximum)
            hold(request, .payments(payments), partition, to, now)
        case .getOrder(let sequence):
            let isOrder = partitions[partition].book.order(at: sequence) != nil
            hold(request, isOrder ? .order(sequence) : .refused(.unknownOrder), partition, to, now)
        case .getSale(let sale, let lane):
            let found = partitions[partition].book.sale(sale, lane, at: instant)
            hold(request, found.map { .sale($0) } ?? .refused(.unknownSale), partition, to, now)
        case .listSales:
            let sales = partitions[partition].book.sales(maximum: SaleList.maximum, at: instant)
            let isCut = sales.count < partitions[partition].book.saleCount
            hold(request, .sales(SaleList(sales: sales, isCut: isCut)), partition, to, now)
        }
    }

    private mutating func conclude(
        _ decision: Decision, _ request: Request, _ partition: Int, _ to: ReplyAddress, _ now: MonotonicTime
    ) {
        switch decision {
        case .entry(let entry):
            add(entry, to: partition, now)
            let reply = reply(to: request, entry.sequence, partition, now)
            if isPlanted(.answerBeforeCommit) { return answer(to, partition, reply) }
            if isPlanted(.gateBeforeCommit), case .place(let place) = request,
                let clock,
                partitions[partition].book.sale(
                    place.sale, place.lane, at: clock.instant(at: now.nanoseconds / 1_000))?.left == 0
            {
                partitions[partition].soldOut.insert(
                    PartitionState.SaleLaneKey(sale: place.sale, lane: place.lane))
            }
            partitions[partition].open.waiting.append(
                Waiting(to: to, request: request, reply: reply, isOwnEntry: true))
        case .existing(let sequence):
            hold(request, reply(to: request, sequence, partition, now), partition, to, now)
        case .refused(let refusal):
            guard refusal.isScarcity, case .place(let place) = request else {
                return hold(request, .refused(refusal), partition, to, now)
            }
            hold(request, .scarce(refusal, place.sale, place.lane), partition, to, now)
        }
    }

    /// Entries that are looked at for a page of orders: about a millisecond of a turn.
    package static let looksPerPage = 50_000

    private func reply(toWatch subject: WatchSubject, _ partition: Int) -> Reply {
        switch subject {
        case .order(let sequence, _):
            partitions[partition].book.order(at: sequence) == nil
                ? .refused(.unknownOrder) : .watch(subject)
        case .sale(let sale, let lane, _):
            partitions[partition].book.committedLeft(sale, lane) == nil
                ? .refused(.unknownSale) : .watch(subject)
        case .wait: preconditionFailure("a wait is asked for, not watched")
        }
    }

    private func reply(to request: Request, _ sequence: Int64, _ partition: Int, _ now: MonotonicTime)
        -> Reply
    {
        switch request {
        case .place: return .order(sequence)
        case .settle: return .settled(sequence)
        case .create(let create): return saleReply(create.sale, partition, now)
        case .change(let change): return saleReply(change.sale, partition, now)
        case .wait:
            guard let state = partitions[partition].book.wait(at: sequence) else {
                preconditionFailure("a wait was answered that is not in its book")
            }
            return .wait(sequence, state)
        case .cancel(let cancel): return .order(cancel.order.sequence)
        case .revoke(let revoke): return .order(revoke.order.sequence)
        case .beginPayment(let begin): return .order(begin.order.sequence)
        case .recordPayment(let record): return .order(record.order.sequence)
        case .getOrder, .getSale, .listSales, .listPayments, .listOrders, .watch:
            preconditionFailure("look-ups make no entries")
        }
    }

    /// Puts an entry that was decided into the layer that fills.
    private mutating func add(_ entry: Entry, to partition: Int, _ now: MonotonicTime) {
        if entry.kind.movesUnits > 0 { noteReturn(entry, partition, now) }
        if partitions[partition].open.entries.isEmpty { dirty.append(partition) }
        partitions[partition].open.entries.append(entry)
        unsent += 1
    }

    // MARK: Expiry

    /// Most orders that one request for an order lets expire before it: the timer does the rest.
    package static let expiriesPerOrder = 4
    /// Most of one partition in a turn.
    package static let expiriesPerTick = 256

    /// Ends holds that have run out. Nobody asked for it, so nobody waits for these entries.
    mutating func expireOrders(_ now: MonotonicTime) {
        guard isLedgerReady, !isStuck(now), again.isEmpty, breakers.commit.letsPass, let clock else { return }
        let instant = clock.instant(at: now.nanoseconds / 1_000)
        if trySuspect(instant, now) { return }
        for partition in partitions.indices where partitions[partition].phase == .owned {
            expireOverdue(partition, at: instant, atMost: WorkerCore.expiriesPerTick, now)
        }
    }

    /// Lets one suspect expire in a transaction of its own.
    private mutating func trySuspect(_ instant: LedgerInstant, _ now: MonotonicTime) -> Bool {
        guard transaction == .none, dirty.isEmpty, !suspects.isEmpty else { return false }
        // The first of them first: of those who waited the first in line is served first, as far as that goes.
        let suspect = suspects.removeFirst()
        let partition = suspect.partition
        if suspect.isWait {
            partitions[partition].book.reconsiderWait(suspect.about)
            guard partitions[partition].phase == .owned,
                let entry = partitions[partition].book.tendWait(suspect.about, instant)
            else { return false }
            add(entry, to: partition, now)
            return true
        }
        partitions[partition].book.reconsider(suspect.about)
        guard partitions[partition].phase == .owned,
            partitions[partition].book.overdueOrder(instant) == suspect.about
        else { return false }
        add(partitions[partition].book.expire(suspect.about, at: instant), to: partition, now)
        return true
    }

    /// What a partition's layer on its way has that nobody asked for.
    func unasked(_ partition: Int) -> [(about: Int64, isWait: Bool)] {
        (partitions[partition].inFlight?.entries ?? []).compactMap { entry in
            if entry.kind == .orderExpired { return (entry.about, false) }
            let isWait = entry.kind.isWaitEnd || (entry.kind == .orderPlaced && entry.about != 0)
            return isWait ? (entry.about, true) : nil
        }
    }

    /// The ledger refused a transaction, which has been taken back, that this was in: it is not decided again.
    mutating func leaveAside(_ unasked: (about: Int64, isWait: Bool), _ partition: Int) {
        if unasked.isWait {
            partitions[partition].book.leaveWaiting(unasked.about)
        } else {
            partitions[partition].book.leaveOverdue(unasked.about)
        }
    }

    private mutating func expireOverdue(
        _ partition: Int, at instant: LedgerInstant, atMost limit: Int, _ now: MonotonicTime
    ) {
        for _ in 0..<limit where unsent < configuration.maximumEntries {
            guard let order = partitions[partition].book.overdueOrder(instant) else { return }
            add(partitions[partition].book.expire(order, at: instant), to: partition, now)
        }
    }

    // MARK: Waiting lists

    /// Most waits of one partition that end, in an order or without, in a turn.
    package static let waitsPerTurn = 256

    /// Gives what is free to whoever waits, in the transaction that frees it if there is one. Nobody asked for it now, so
    /// nobody waits for these entries.
    mutating func tendWaiting(_ now: MonotonicTime) {
        guard again.isEmpty, againLimit == configuration.maximumEntries, breakers.commit.letsPass, let clock
        else { return }
        let instant = clock.instant(at: now.nanoseconds / 1_000)
        for partition in partitions.indices
        where partitions[partition].book.hasWaiting && partitions[partition].phase == .owned
            && !suspects.contains(where: { $0.partition == partition })
        {
            for _ in 0..<WorkerCore.waitsPerTurn where unsent < configuration.maximumEntries {
                guard let entry = partitions[partition].book.tendWaiting(instant) else { break }
                add(entry, to: partition, now)
            }
        }
    }

    private func saleReply(_ sale: SaleID, _ partition: Int, _ now: MonotonicTime) -> Reply {
        guard let clock else { return .unavailable(.stale) }
        let instant = clock.instant(at: now.nanoseconds / 1_000)
        guard let sale = partitions[partition].book.sale(sale, .only, at: instant) else {
            return .refused(.unknownSale)
        }
        return .sale(sale)
    }

    /// Keeps an answer that made no entry until everything it rests on has committed.
    private mutating func hold(
        _ request: Request, _ reply: Reply, _ partition: Int, _ to: ReplyAddress, _ now: MonotonicTime
    ) {
        let waiting = Waiting(to: to, request: request, reply: reply, isOwnEntry: false)
        if isPlanted(.noOnUncommittedYes), reply.isRefusal {
            release(waiting, partition, now)
        } else if !partitions[partition].open.entries.isEmpty {
            partitions[partition].open.waiting.append(waiting)
        } else if partitions[partition].inFlight != nil {
            partitions[partition].inFlight!.waiting.append(waiting)
        } else {
            release(waiting, partition, now)
        }
    }

    /// Sends an answer whose foundation has committed. One that rests on memory alone is only as good as the
    /// last fence check.
    package mutating func release(_ waiting: Waiting, _ partition: Int, _ now: MonotonicTime) {
        if waiting.isOwnEntry || now - partitions[partition].checked <= configuration.freshness
            || isPlanted(.staleRefusal)
        {
            answer(waiting.to, partition, waiting.reply)
        } else {
            answer(waiting.to, partition, .unavailable(.stale))
        }
    }

    package mutating func answer(_ to: ReplyAddress, _ partition: Int, _ reply: Reply) {
        answers.append(Answer(to: to, partition: partition, reply: reply))
    }

    /// Milliseconds left of the lease that runs out first; nil without leases.
    package func leaseLeft(_ now: MonotonicTime) -> Int64? {
        partitions.compactMap { $0.isHeld ? $0.lease.map { ($0.validUntil - now).milliseconds } : nil }.min()
    }

    /// Whether the brokers may count on this worker, as judged at the last tick.
    package func isFit(_ now: MonotonicTime) -> Bool { fitness.isFit }

    /// The last check is recent enough for a worker that is to take something.
    package func isChecked(_ now: MonotonicTime) -> Bool { now - lastCheck <= configuration.fitness }

    /// Whether a free partition could become ours now: the ledger is there, for fences, books and commits.
    package func canTake(_ now: MonotonicTime) -> Bool {
        !isDraining && isLedgerReady && isChecked(now) && breakers.mayTake
    }

    /// How long the ledger has told nothing, or been away, as far as we would have noticed. A pause of our own says
    /// nothing of the ledger, but only the first after each check is forgiven: a worker that stands still again and again
    /// and hears nothing is no better than one that does not reach the ledger.
    package func silence(_ now: MonotonicTime) -> TimeAmount {
        now - max(min(lastCheck, lastReady), stoodUntil ?? .distantPast)
    }
}
