import Methods
import Resilience
import Sales
import Wire

@testable import Workers

/// Clients that ask, retry with the same key until they know, and check every answer against the ledger.
final class ModelClients {
    private struct Job {
        let partition: Int
        let request: Request
        var isDone = false
        /// Attempts without an answer. A client tries again when there is none left.
        var attempts = 0
    }

    private struct Attempt {
        let job: Int
        let worker: ModelWorker
    }

    unowned let world: World
    private var jobs: [Job] = []
    private var open: [UInt64: Attempt] = [:]
    private var cancelled: Set<UInt64> = []
    private var lastCall: UInt64 = 0
    private var lastKey: UInt128 = 10
    static let session: UInt32 = 1

    init(_ world: World) { self.world = world }

    var isDone: Bool { open.isEmpty && jobs.allSatisfy(\.isDone) }

    var unfinished: String {
        let waiting = jobs.filter { !$0.isDone }.prefix(3).map { "\($0.request) of \($0.partition)" }
        return "\(open.count) attempts have no answer, \(waiting) are not done; "
            + world.workers.map {
                "\($0.name) [owns \(world.broker.owned(by: $0))]: ledger \($0.core.isLedgerReady), \($0.core.breakers.commit.stateName), \($0.core.transaction), again \($0.core.again.count), \($0.core.partitions.map(\.phase))"
            }
            .joined(separator: "; ")
    }

    // MARK: Asking

    /// Some sixty requests, spread over a time.
    func begin(over time: TimeAmount) {
        for _ in 0..<60 { add(drawRequest(), after: world.upTo(time)) }
    }

    /// More demand than any sale has units.
    func buyOut() {
        for partition in 0..<World.partitions {
            for buyer in 1...50 {
                lastKey += 1
                let place = PlaceOrder(
                    sale: sale(partition), buyer: BuyerID(rawValue: Int64(1_000 + buyer)), quantity: 1,
                    key: RequestKey(rawValue: lastKey))
                add((partition, .place(place)), after: world.upTo(.milliseconds(20)))
            }
        }
    }

    private func sale(_ partition: Int) -> SaleID { SaleID(rawValue: Int64(partition) + 1) }

    private func drawRequest() -> (Int, Request) {
        let partition = Int(world.draw() % UInt64(World.partitions))
        let sale = sale(partition)
        // Few buyers with few keys, so that limits are reached and keys meet again.
        let drawn = BuyerID(rawValue: Int64(world.draw() % 8) + 1)
        let buyer = world.draw() % 32 == 0 ? ModelLedger.poison : drawn
        let key = RequestKey(rawValue: UInt128(world.draw() % 4) + 2)
        switch world.draw() % 20 {
        case 0: return (partition, .getSale(sale, .only))
        case 1: return (partition, .getOrder(Int64(world.draw() % 6)))
        case 2: return (partition, .listSales)
        case 3, 4: return (partition, .settle(SettleOrder(sale: sale, buyer: buyer, key: key)))
        case 5:
            lastKey += 1
            let change = ChangeSale.Change.addUnits(Int32(world.draw() % 3) + 1)
            return (
                partition,
                .change(ChangeSale(sale: sale, key: RequestKey(rawValue: lastKey), change: change))
            )
        case 6:
            lastKey += 1
            return (
                partition,
                .settle(
                    SettleOrder(sale: sale, buyer: buyer, key: RequestKey(rawValue: lastKey)))
            )
        default:
            let quantity = world.draw() % 4 == 0 ? 2 : Int32(1)
            return (
                partition, .place(PlaceOrder(sale: sale, buyer: buyer, quantity: quantity, key: key))
            )
        }
    }

    private func add(_ job: (partition: Int, request: Request), after delay: TimeAmount) {
        jobs.append(Job(partition: job.partition, request: job.request))
        send(jobs.count - 1, after: delay)
    }

    private func send(_ job: Int, after delay: TimeAmount) {
        world.schedule(at: world.now + delay) { [self] in
            guard !jobs[job].isDone else { return }
            guard let owner = world.broker.owner(of: jobs[job].partition) else {
                return send(job, after: .milliseconds(50))
            }
            attempt(job, owner)
            // A hedge: the same request again, wherever it may lead.
            if world.draw() % 8 == 0 { attempt(job, owner) }
        }
    }

    private func attempt(_ job: Int, _ worker: ModelWorker) {
        lastCall += 1
        let call = lastCall
        jobs[job].attempts += 1
        open[call] = Attempt(job: job, worker: worker)
        let to = ReplyAddress(session: ModelClients.session, callID: call)
        let (request, partition) = (jobs[job].request, jobs[job].partition)
        worker.after(world.delay()) { $0.core.receive(request, for: partition, to: to, $0.world.now) }
        guard !world.isCalm, world.draw() % 32 == 0 else { return }
        // A cancelled attempt may be answered or not. The job goes on with another one.
        worker.after(world.upTo(.milliseconds(50))) { [self] in
            guard open.removeValue(forKey: call) != nil else { return }
            $0.core.cancel(to)
            cancelled.insert(call)
            failed(job, retryAfter: .milliseconds(100))
        }
    }

    // MARK: Answers

    /// A worker died: nobody knows what became of its calls.
    func lost(_ worker: ModelWorker) {
        // In order, as every draw of the generator counts.
        for (call, attempt) in open.sorted(by: { $0.key < $1.key }) where attempt.worker === worker {
            open[call] = nil
            failed(attempt.job, retryAfter: .milliseconds(100))
        }
    }

    private func failed(_ job: Int, retryAfter delay: TimeAmount) {
        jobs[job].attempts -= 1
        if jobs[job].attempts == 0 { send(job, after: delay) }
    }

    func answered(_ answer: Answer, by worker: ModelWorker) {
        world.note(answer)
        if answer.to.session == ModelBroker.session { return world.broker.answered(answer) }
        guard let attempt = open.removeValue(forKey: answer.to.callID) else {
            if cancelled.remove(answer.to.callID) == nil {
                world.violate("P8: call \(answer.to.callID) was answered twice: \(answer.reply)")
            }
            return
        }
        let job = jobs[attempt.job]
        if job.partition != answer.partition { world.violate("answered for another partition: \(answer)") }
        switch answer.reply {
        case .returned: failed(attempt.job, retryAfter: .milliseconds(10) + world.delay())
        case .unavailable, .refused(.clockUncertain): failed(attempt.job, retryAfter: .milliseconds(100))
        case .order, .settled, .sale, .sales, .refused, .broken, .yielded, .notYielded:
            jobs[attempt.job].attempts -= 1
            jobs[attempt.job].isDone = true
            if !isTrue(answer.reply, job, worker) {
                world.violate("\(worker.name) answered \(answer.reply) to \(job.request) of \(job.partition)")
            }
        }
    }

    /// Whether the ledger bears the answer out at the moment when it leaves (P2, P3, P4, P7).
    private func isTrue(_ reply: Reply, _ job: Job, _ worker: ModelWorker) -> Bool {
        let ledger = world.ledger
        let book = worker.core.partitions[job.partition].book
        switch (reply, job.request) {
        case (.order(let sequence), .place(let place)):
            guard let entry = ledger.entry(job.partition, sequence), let order = book.order(at: sequence)
            else { return false }
            return entry.kind == .orderPlaced && entry.buyer == place.buyer && entry.key == place.key
                && entry.quantity == place.quantity && order.key == place.key && order.buyer == place.buyer
        case (.order(let sequence), .getOrder):
            return ledger.entry(job.partition, sequence)?.kind == .orderPlaced
        case (.settled(let sequence), .settle(let settle)):
            guard let entry = ledger.entry(job.partition, sequence) else { return false }
            return entry.buyer == settle.buyer && entry.key == settle.key
                && (book.order(at: sequence) != nil) == (entry.kind == .orderPlaced)
        case (.sale(let sale), .change(let change)):
            return sale.id == change.sale
                && ledger.entry(job.partition, buyer: .operators, key: change.key) != nil
        case (.sale(let sale), .getSale(let id, _)): return sale.id == id
        case (.sales(let list), .listSales): return list.sales.count == 1
        case (.refused(.unknownOrder), .getOrder): return true
        case (.refused(let refusal), .place(let place)): return isTrue(refusal, place, job, ledger)
        case (.broken, .settle(let settle)): return settle.buyer == ModelLedger.poison
        case (.broken, .place(let place)): return place.buyer == ModelLedger.poison
        default: return false
        }
    }

    private func isTrue(
        _ refusal: Refusal, _ place: PlaceOrder, _ job: Job, _ ledger: ModelLedger
    ) -> Bool {
        let entry = ledger.entry(job.partition, buyer: place.buyer, key: place.key)
        switch refusal {
        case .soldOut: return ledger.wasSoldOut(place.sale, world.now)
        case .notEnough(let left): return left < Int64(place.quantity)
        case .overLimit(let limit, let held):
            let units = ledger.entries[job.partition]
                .filter { $0.kind == .orderPlaced && $0.buyer == place.buyer }.reduce(0) { $0 + $1.quantity }
            return limit == World.limit && held <= units && place.quantity > limit - held
        case .keyVoided: return entry?.kind == .keyVoided
        case .keyReused: return entry.map { $0.quantity != place.quantity } ?? false
        case .unknownSale, .unknownOrder, .notYetOpen, .closed, .saleExists, .badQuantity, .badField,
            .clockUncertain:
            return false
        }
    }
}
