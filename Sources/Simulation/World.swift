import Broker
import Ledger
import Methods
import Receipts
import Resilience
import Sales
package import Wire
import Workers

/// A whole cluster on a virtual clock: the cores of broker, worker, lock manager and book as they run in
/// production, on modelled network, Redis, Postgres and clocks. Everything follows from the scenario.
final class World {
    let scenario: Scenario
    private var queue = EventQueue()
    private var generator: SplitMix64
    private(set) var network: Network!
    private(set) var judge: Judge!
    private(set) var ledger: LedgerServer!
    private(set) var nodes: [RedisNode] = []
    private(set) var brokers: [BrokerProcess] = []
    private(set) var workers: [WorkerProcess] = []
    private(set) var clients: [ClientProcess] = []
    private let sales: [SaleID]
    private let start: MonotonicTime
    /// Since when nothing goes wrong any more.
    private var calmSince: MonotonicTime?
    /// Workers that do not come back after their end.
    private var retired: Set<Int> = []
    private var lastIdentity: UInt64 = 0
    private(set) var steps = 0
    private(set) var faults = 0
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Stands for whatever a worker accepts and Postgres does not.
    static let poison = BuyerID(rawValue: 5)
    static let methods = MethodDescription.ofSales.map { MethodID($0.name) }

    /// Where what happens is told, line by line, if anybody wants to read it.
    private let journal: ((String) -> Void)?

    init(_ scenario: Scenario, journal: ((String) -> Void)? = nil) {
        self.scenario = scenario
        self.journal = journal
        generator = SplitMix64(seed: SplitMix64.scatter(scenario.seed))
        start = queue.now
        sales = World.sales(scenario.partitions)
        network = Network(self, SplitMix64(seed: generator.next()))
        judge = Judge(self)
        ledger = LedgerServer(
            self,
            LedgerModel(partitions: scenario.partitions, poison: scenario.seed % 4 == 0 ? World.poison : nil))
        createSales()
        nodes = (0..<scenario.nodes).map { RedisNode($0, self) }
        brokers = (0..<scenario.brokers).map { BrokerProcess($0, self) }
        workers = (0..<scenario.workers).map { WorkerProcess($0, self) }
        clients = (0..<scenario.clients).map { ClientProcess($0, self) }
    }

    var now: MonotonicTime { queue.now }
    var milliseconds: Int64 { (now - start).milliseconds }
    var isCalm: Bool { calmSince != nil }

    func isCalm(for time: TimeAmount) -> Bool { calmSince.map { now - $0 >= time } ?? false }

    func schedule(at moment: MonotonicTime, _ action: @escaping () -> Void) {
        queue.schedule(at: moment, action)
    }

    func random() -> UInt64 { generator.next() }

    func drawClock() -> LocalClock {
        LocalClock(
            drift: Int64(generator.next() % 401) - 200,
            origin: 1_000_000_000_000 + Int64(generator.next() % 1_000_000_000_000_000))
    }

    /// Folds what happened into the run's hash: two runs of one scenario must agree.
    func trace(_ first: some BinaryInteger, _ second: some BinaryInteger, _ third: some BinaryInteger) {
        for word in [Int64(first), Int64(second), Int64(third), now.nanoseconds] {
            hash = (hash ^ UInt64(bitPattern: word)) &* 0x100_0000_01b3
        }
    }

    func log(_ line: @autoclosure () -> String) {
        guard let journal else { return }
        let time = (now - start).microseconds
        let milliseconds = String(time / 1_000)
        journal(
            String(repeating: " ", count: max(0, 7 - milliseconds.count))
                + "\(milliseconds).\(time / 100 % 10)  \(line())")
    }

    // MARK: Names

    /// For each partition the first number of a sale that belongs to it.
    private static func sales(_ partitions: Int) -> [SaleID] {
        (0..<partitions).map { partition in
            for number in Int64(1)...
            where RoutingKey(sale: number, lane: 0).partition(of: partitions) == partition {
                return SaleID(rawValue: number)
            }
            preconditionFailure("some sale belongs to every partition")
        }
    }

    func sale(of partition: Int) -> SaleID { sales[partition % sales.count] }
    func partition(of sale: SaleID) -> Int {
        RoutingKey(sale: sale.rawValue, lane: 0).partition(of: scenario.partitions)
    }
    func partition(of header: Header) -> Int {
        header.flags.contains(.partition)
            ? Int(header.routing.sale) : header.routing.partition(of: scenario.partitions)
    }

    func request(of wish: Job.Wish) -> Request {
        let sale = sale(of: wish.partition)
        func key(_ number: UInt64) -> RequestKey { RequestKey(rawValue: UInt128(number)) }
        return switch wish {
        case .place(_, let buyer, let quantity, let number):
            .place(
                PlaceOrder(sale: sale, buyer: BuyerID(rawValue: buyer), quantity: quantity, key: key(number)))
        case .wait(_, let buyer, let quantity, let number):
            .wait(
                WaitOrder(sale: sale, buyer: BuyerID(rawValue: buyer), quantity: quantity, key: key(number)))
        case .settle(_, let buyer, let number):
            .settle(SettleOrder(sale: sale, buyer: BuyerID(rawValue: buyer), key: key(number)))
        case .addUnits(_, let units, let number):
            .change(ChangeSale(sale: sale, key: key(number), change: .addUnits(units)))
        case .openSale(_, let number): .change(ChangeSale(sale: sale, key: key(number), change: .open))
        case .closeSale(_, let number): .change(ChangeSale(sale: sale, key: key(number), change: .close))
        case .getSale: .getSale(sale, .only)
        case .getOrder(_, let sequence): .getOrder(sequence)
        case .listSales: .listSales
        case .pause(_, let number): .change(ChangeSale(sale: sale, key: key(number), change: .pause))
        case .resume(_, let number): .change(ChangeSale(sale: sale, key: key(number), change: .resume))
        case .withdraw(_, let units, let number):
            .change(ChangeSale(sale: sale, key: key(number), change: .withdrawUnits(units)))
        case .cancelOrder(_, let sequence, let number):
            .cancel(CancelOrder(order: order(wish, sequence), buyer: buyer(wish, sequence), key: key(number)))
        case .revokeOrder(_, let sequence, let number):
            .revoke(
                RevokeOrder(order: order(wish, sequence), key: key(number), actor: "judge", reason: "why not")
            )
        case .beginPayment(_, let sequence, let attempt):
            .beginPayment(
                BeginPayment(
                    order: order(wish, sequence), buyer: buyer(wish, sequence), attempt: key(attempt)))
        case .recordPayment(_, let sequence, let attempt, let outcome):
            .recordPayment(
                RecordPayment(
                    order: order(wish, sequence), attempt: key(attempt),
                    outcome: RecordPayment.Outcome(rawValue: outcome) ?? .failed))
        case .listPayments: .listPayments(nil)
        }
    }

    private func order(_ wish: Job.Wish, _ sequence: Int64) -> OrderID {
        OrderID(
            partition: Partition(rawValue: Int16(wish.partition % scenario.partitions)), sequence: sequence)
    }

    /// Whose order it is, once the ledger knows.
    private func buyer(_ wish: Job.Wish, _ sequence: Int64) -> BuyerID {
        ledger.model.entry(wish.partition % scenario.partitions, sequence)?.buyer ?? BuyerID(rawValue: 1)
    }

    func header(of wish: Job.Wish) -> Header {
        var header = Header(.call)
        header.flags = [.end, .keyed]
        header.routing = RoutingKey(sale: sale(of: wish.partition).rawValue, lane: 0)
        switch wish {
        case .place(_, _, _, let key):
            (header.method, header.requestKey) = (OrderMethods.place.id, UInt128(key))
        case .wait(_, _, _, let key):
            (header.method, header.requestKey) = (OrderMethods.wait.id, UInt128(key))
        case .settle(_, _, let key):
            (header.method, header.requestKey) = (OrderMethods.settle.id, UInt128(key))
            header.priority = .high
        case .addUnits(_, _, let key), .openSale(_, let key), .closeSale(_, let key), .pause(_, let key),
            .resume(_, let key), .withdraw(_, _, let key):
            (header.method, header.requestKey) = (SaleMethods.change.id, UInt128(key))
            header.priority = .high
        case .getSale: header.method = SaleMethods.get.id
        case .getOrder(let partition, _), .listSales(let partition), .cancelOrder(let partition, _, _),
            .revokeOrder(let partition, _, _), .beginPayment(let partition, _, _),
            .recordPayment(let partition, _, _, _),
            .listPayments(let partition):
            switch wish {
            case .cancelOrder(_, _, let key), .revokeOrder(_, _, let key), .beginPayment(_, _, let key),
                .recordPayment(_, _, let key, _):
                header.requestKey = UInt128(key)
            default: break
            }
            let partition = partition % scenario.partitions
            header.method = OrderMethods.get.id
            header.flags.insert(.partition)
            header.routing = RoutingKey(sale: Int64(partition), lane: 0)
        }
        return header
    }

    /// Whether several jobs of the run, or a hedge, use the wish's key.
    func isShared(_ wish: Job.Wish) -> Bool {
        guard case .place(let partition, let buyer, _, let key) = wish else { return true }
        return scenario.jobs.count { job in
            switch job.wish {
            case .place(partition, buyer, _, key), .wait(partition, buyer, _, key),
                .settle(partition, buyer, key):
                true
            default: false
            }
        } > 1
    }

    private func createSales() {
        let opens = scenario.opensAfter == 0 ? 0 : ledger.time.rawValue + scenario.opensAfter * 1_000
        let closes: LedgerTime? =
            scenario.closesAfter == 0
            ? nil : LedgerTime(rawValue: ledger.time.rawValue + scenario.closesAfter * 1_000)
        let terms = SaleTerms(
            name: "Sale", price: 100, currency: "EUR", limit: scenario.limit,
            opensAt: LedgerTime(rawValue: opens), closesAt: closes, hold: scenario.hold,
            payment: scenario.payment ?? SaleTerms.usualPayment)
        for partition in 0..<scenario.partitions {
            let row = ledger.model.takeFence(partition)
            let entry = Entry(
                kind: .saleCreated, sequence: 1, sale: sale(of: partition), lane: .only, buyer: .operators,
                key: RequestKey(rawValue: 1), quantity: scenario.units, at: ledger.time, terms: terms)
            var batch = Batch(partition: row.partition, fence: row.fence, number: 1, entries: [entry])
            batch.seal(after: .zero, in: ledger.incarnation)
            guard case .committed = ledger.model.commit([batch], at: ledger.time) else {
                preconditionFailure("the first batch of a partition is refused")
            }
        }
    }

    // MARK: Connections

    /// A new connection to a broker, unless nobody listens there.
    func connect(_ process: Process, _ peer: Pipe.Peer, to broker: Int) -> Pipe? {
        let server = brokers[broker]
        guard server.isAlive else { return nil }
        lastIdentity += 1
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: lastIdentity >> (8 * UInt64($0))) }
        guard let identity = PeerIdentity(bytes.span) else { preconditionFailure("8 bytes are an identity") }
        let pipe = Pipe(identity: identity, from: peer, of: process, to: server, broker: broker)
        let isWorker = process is WorkerProcess
        server.accept(pipe, isWorker: isWorker)
        return pipe
    }

    func isReachable(broker: Int) -> Bool { brokers[broker].isAlive && !brokers[broker].isPaused }

    // MARK: Running

    /// Faults, then calm in which everything must become well, then the rest is sold.
    func run() -> Outcome {
        for broker in brokers { broker.start() }
        for worker in workers { worker.start() }
        for fault in scenario.faults {
            schedule(at: start + .milliseconds(fault.at)) { [self] in
                guard !isCalm else { return }
                faults += 1
                log("FAULT \(fault.fault)")
                inject(fault.fault)
            }
        }
        for job in scenario.jobs {
            clients[job.client % clients.count].add(job, at: start + .milliseconds(job.at))
        }
        advance(until: start + .milliseconds(scenario.turbulence)) { false }
        heal()
        let patience = TimeAmount.seconds(14) + .milliseconds(scenario.leaseTTL * 3)
        advance(until: now + patience) { self.isWell }
        if !isWell { violateLiveness("after the calm") }
        if scenario.closesAfter == 0, judge.violations.isEmpty { sellOut(patience) }
        // What is held and not paid comes back, and nothing but time makes it.
        let hasAttempts = scenario.jobs.contains { if case .beginPayment = $0.wish { true } else { false } }
        if scenario.hold != nil || hasAttempts {
            let hold = TimeAmount.seconds(Int64(scenario.hold ?? 0))
            advance(until: now + hold + Judge.lateExpiry + .seconds(1)) { false }
        }
        judge.judgeTheEnd()
        let outcome = Outcome(
            violations: judge.violations, promises: judge.promises, counts: judge.counts, hash: hash,
            steps: steps,
            faults: faults, simulated: now - start)
        dissolve()
        return outcome
    }

    private func advance(until end: MonotonicTime, _ isOver: () -> Bool) {
        while judge.violations.isEmpty, let action = queue.next(until: end) {
            action()
            steps += 1
            if steps & 63 == 0, isOver() { return }
        }
    }

    private var isWell: Bool {
        clients.allSatisfy(\.isDone)
            && (0..<scenario.partitions).allSatisfy { partition in
                brokers.contains { $0.isAlive && $0.owner(of: partition) != nil }
            }
            && workers.allSatisfy { $0.core.map { $0.transaction == .none && $0.again.isEmpty } ?? true }
            && (0..<scenario.partitions).allSatisfy { !isForSale($0) || !judge.hasServable($0) }
    }

    private func violateLiveness(_ when: String) {
        var text = clients.flatMap(\.unfinished).prefix(3).joined(separator: "; ")
        for partition in 0..<scenario.partitions {
            let owners = brokers.map { $0.owner(of: partition) ?? "-" }
            text += "; \(partition) belongs to \(owners) by the brokers, and is "
            text += workers.map { "\($0.core?.partitions[partition].phase ?? .idle)" }.joined(separator: ", ")
        }
        judge.violate(.p8, "not well \(when): \(text)")
    }

    /// More demand than any sale has units.
    private func sellOut(_ patience: TimeAmount) {
        // Units that came back a moment ago may be behind a closed gate for a second.
        advance(until: now + .milliseconds(1_200)) { false }
        let begun = now
        var key: UInt64 = 1_000_000
        var demand: [Int: Int] = [:]
        for partition in 0..<scenario.partitions where isForSale(partition) {
            var left = Int(ledger.model.stock[sale(of: partition)] ?? 0)
            // What is held may come back meanwhile, and must be sold again.
            if scenario.hold != nil {
                left = ledger.model.entries[partition].reduce(0) { $0 + Int(max(0, $1.stockChange)) }
            }
            demand[partition] = left + 2
            // While somebody waits nobody else may buy; and whoever waits is served, too.
            let waits = partition % 2 == 1 || judge.hasWaiting(partition)
            for number in 0..<left + 2 {
                key += 1
                let buyer = Self.lateBuyers + Int64(number)
                let wish: Job.Wish =
                    waits
                    ? .wait(partition: partition, buyer: buyer, quantity: 1, key: key)
                    : .place(partition: partition, buyer: buyer, quantity: 1, key: key)
                let job = Job(
                    at: 0, client: 0, wish: wish, deadline: 2_000, givesUp: false, hedges: false, cancels: nil
                )
                clients[number % clients.count].add(job, at: now + .milliseconds(Int64(number)))
            }
        }
        advance(until: now + patience) { self.isWell }
        if !isWell { return violateLiveness("after selling out") }
        for partition in 0..<scenario.partitions where isForSale(partition) {
            let left = ledger.model.stock[sale(of: partition)] ?? 0
            // Orders that nobody pays give their units back: after all were sold, or so shortly before that buyers were still
            // told so, or while a buyer asked again, so that everybody got some. Without such orders a sale that was emptied
            // stays so, and has fewer units than were asked for.
            if left > 0, !judge.wasEmptied(sale(of: partition), since: begun - .seconds(1)),
                lateOrders(of: partition) < demand[partition, default: 0]
            {
                judge.violate(.p7, "\(left) units of \(partition) are left, and demand")
            }
        }
    }

    /// The buyers who come after the calm have numbers from here on.
    private static let lateBuyers: Int64 = 10_000

    private func lateOrders(of partition: Int) -> Int {
        ledger.model.entries[partition].count {
            $0.kind == .orderPlaced && $0.buyer.rawValue >= Self.lateBuyers
        }
    }

    private func isForSale(_ partition: Int) -> Bool {
        guard let terms = ledger.model.entries[partition].last(where: { $0.terms != nil })?.terms else {
            return false
        }
        return terms.closesAt == nil && !terms.isPaused
    }

    /// The parts know each other: without this none would ever be freed.
    private func dissolve() {
        queue.removeAll()
        for process in brokers as [Process] + workers + clients { process.kill() }
        (brokers, workers, clients, nodes) = ([], [], [], [])
        ledger = nil
    }

    // MARK: Faults

    private func inject(_ fault: Fault) { Mischief(self).make(fault) }

    func addWorker() {
        guard workers.count < 6 else { return }
        workers.append(WorkerProcess(workers.count, self))
        workers[workers.count - 1].start()
    }

    func drained(_ worker: WorkerProcess) {
        judge.note(.drained)
        schedule(at: now) { [self] in
            worker.kill()
            restart(worker, after: .milliseconds(Int64(network.number(0...600))))
        }
    }

    func restart(_ process: Process, after time: TimeAmount) {
        schedule(at: now + time) { if !process.isAlive { process.start() } }
    }

    /// Everything is well from now on, or at least as much as the run can do without the rest.
    private func heal() {
        log("HEAL")
        calmSince = now
        network.heal()
        ledger.start()
        ledger.slowUntil = now
        ledger.hang = (now, .zero)
        ledger.traps = []
        for worker in workers {
            worker.resume()
            worker.locks.heal()
            if worker.isAlive {
                worker.commits.cutUntil = now
                worker.control.cutUntil = now
            }
        }
        for broker in brokers { broker.resume() }
        let lost = scenario.healsCoreOnly ? (scenario.nodes - 1) / 2 : 0
        for node in nodes { node.index < lost ? node.stop() : node.heal() }
        for (index, broker) in brokers.enumerated() {
            if scenario.healsCoreOnly, index > 0 {
                broker.kill()
            } else if !broker.isAlive {
                broker.start()
            }
        }
        for (index, worker) in workers.enumerated() where !worker.isAlive {
            if !scenario.healsCoreOnly || index == 0 { worker.start() }
        }
    }
}

/// How a run ended.
package struct Outcome: Sendable {
    package let violations: [String]
    package let promises: Set<Promise>
    /// By `Sometimes.allCases`.
    package let counts: [Int]
    package let hash: UInt64
    package let steps: Int
    package let faults: Int
    package let simulated: TimeAmount
}
