import Ledger
import Methods
import Redlock
import Sales
import Wire

@testable import Ledger
@testable import Workers

/// One core, its time, and short words for what happens to it. The test says every outcome itself.
struct Scene {
    var core: WorkerCore
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    private var nextCall: UInt64 = 0
    private var nextToken: UInt128 = 0
    private var lastBeats: [UInt32: BrokerBeat] = [:]
    /// What the ledger's clock is ahead of ours.
    static let epoch: Int64 = 1_700_000_000_000_000
    static let partitions = 4
    static let session: UInt32 = 1
    static let soldOut = Reply.scarce(.soldOut, SaleID(rawValue: 7), .only)

    init(_ name: String = "worker-1", configure: (inout WorkerConfiguration) -> Void = { _ in }) {
        var configuration = WorkerConfiguration(name: name, brokers: [], redis: [], ledger: "")
        configure(&configuration)
        core = WorkerCore(configuration: configuration, partitions: Scene.partitions, seed: 1)
        core.isLedgerReady = true
        check()
    }

    // MARK: Time

    var ledgerTime: LedgerTime { LedgerTime(rawValue: Scene.epoch + now.nanoseconds / 1_000) }

    mutating func wait(_ amount: TimeAmount) { now = now + amount }

    mutating func tick(after amount: TimeAmount = .zero) {
        wait(amount)
        core.tick(now)
    }

    /// A fence check that finds everything as it was.
    mutating func check() {
        let rows = core.held.map { number in
            let state = core.partitions[Int(number.rawValue)]
            return Ownership(
                partition: number, fence: state.fence, batch: state.batch, last: state.book.committed)
        }
        core.checked(rows, ledger: ledgerTime, sent: now, now)
    }

    /// Lets time pass with all checks and renewals in order.
    mutating func live(_ amount: TimeAmount) {
        let end = now + amount
        while now < end {
            tick(after: min(.milliseconds(50), end - now))
            check()
            beatAgain()
            for case .extend(let partition, let epoch, let lease) in effects() {
                let longer = Lease(
                    resource: lease.resource, token: lease.token,
                    validUntil: now + core.configuration.leaseTTL)
                core.extended(.extended(longer), partition, epoch: epoch, now)
            }
        }
    }

    // MARK: Owning

    mutating func beat(live: [String] = ["worker-1"], unowned: [Int] = [], from session: UInt32 = 1) {
        let free = unowned.map { Partition(rawValue: Int16($0)) }
        lastBeats[session] = BrokerBeat(live: live, unowned: free)
        beatAgain()
    }

    /// All brokers say what they last said.
    mutating func beatAgain() {
        for (session, beat) in lastBeats.sorted(by: { $0.key < $1.key }) {
            core.membership.heard(beat, from: session, now)
        }
    }

    mutating func lease(_ partition: Int = 0) -> Lease {
        nextToken += 1
        return Lease(
            resource: "partition:\(partition)", token: LeaseToken(rawValue: nextToken),
            validUntil: now + core.configuration.leaseTTL)
    }

    /// A broker says that the partition is free; the core tries for it. Returns the epoch of the try.
    mutating func tryFor(_ partition: Int = 0, live: [String] = ["worker-1"]) -> UInt32? {
        beat(live: live, unowned: [partition])
        tick()
        for case .acquire(let number, let epoch) in effects() where number.rawValue == Int16(partition) {
            return epoch
        }
        return nil
    }

    /// Goes all the way to serving a partition whose ledger holds `entries`, written in `batch` batches.
    mutating func own(_ partition: Int = 0, fence: Int64 = 1, batch: Int64? = nil, entries: [Entry] = []) {
        let number = Partition(rawValue: Int16(partition))
        guard let epoch = tryFor(partition) else { fatalError("the core does not try for \(partition)") }
        core.acquired(.acquired(lease(partition)), number, epoch: epoch, now)
        let last = Int64(entries.count)
        core.tookFence(
            Ownership(
                partition: number, fence: Fence(rawValue: fence), batch: batch ?? (last == 0 ? 0 : 1),
                last: last),
            epoch: epoch, sent: now, now)
        if !entries.isEmpty { core.loaded(entries, number, epoch: epoch, now) }
        beat(unowned: [])
        _ = effects()
    }

    /// Serves a partition with one open sale, number 7, of which nothing is sold.
    mutating func ownSale(
        _ partition: Int = 0, fence: Int64 = 1, units: Int32 = 10, limit: Int32 = 10, hold: Int32? = nil
    ) {
        own(partition, fence: fence, entries: [sale(units: units, limit: limit, hold: hold)])
    }

    func sale(
        _ id: Int64 = 7, sequence: Int64 = 1, units: Int32 = 10, limit: Int32 = 10, hold: Int32? = nil
    ) -> Entry {
        let terms = SaleTerms(
            name: "Sale", price: 100, currency: "EUR", limit: limit, opensAt: LedgerTime(rawValue: 0),
            closesAt: nil, hold: hold)
        return Entry(
            kind: .saleCreated, sequence: sequence, sale: SaleID(rawValue: id), lane: .only,
            buyer: .operators, key: RequestKey(rawValue: UInt128(1_000 + sequence)), quantity: units,
            at: ledgerTime, terms: terms)
    }

    // MARK: Asking

    mutating func ask(_ request: Request, of partition: Int = 0) -> ReplyAddress {
        nextCall += 1
        let to = ReplyAddress(session: Scene.session, callID: nextCall)
        core.receive(request, for: partition, to: to, now)
        return to
    }

    /// An order of a buyer; the key is the buyer's number unless given.
    mutating func order(
        buyer: Int64, quantity: Int32 = 1, key: UInt128? = nil, sale: Int64 = 7, of partition: Int = 0
    ) -> ReplyAddress {
        let place = PlaceOrder(
            sale: SaleID(rawValue: sale), buyer: BuyerID(rawValue: buyer), quantity: quantity,
            key: RequestKey(rawValue: key ?? UInt128(buyer)))
        return ask(.place(place), of: partition)
    }

    mutating func waitFor(
        buyer: Int64, quantity: Int32 = 1, key: UInt128? = nil, of partition: Int = 0
    ) -> ReplyAddress {
        let wait = WaitOrder(
            sale: SaleID(rawValue: 7), buyer: BuyerID(rawValue: buyer), quantity: quantity,
            key: RequestKey(rawValue: key ?? UInt128(buyer)))
        return ask(.wait(wait), of: partition)
    }

    /// The same as a stream: its first item comes with a tick.
    mutating func stream(_ request: Request, of partition: Int = 0) -> ReplyAddress? {
        let to = ReplyAddress(session: Scene.session, callID: nextCall + 1)
        guard core.desk.open(to) else { return nil }
        return ask(request, of: partition)
    }

    mutating func cancelOrder(_ sequence: Int64, buyer: Int64, key: UInt128) -> ReplyAddress {
        ask(
            .cancel(
                CancelOrder(
                    order: OrderID(partition: Partition(rawValue: 0), sequence: sequence),
                    buyer: BuyerID(rawValue: buyer), key: RequestKey(rawValue: key))))
    }

    mutating func settle(buyer: Int64, key: UInt128? = nil, of partition: Int = 0) -> ReplyAddress {
        let settle = SettleOrder(
            sale: SaleID(rawValue: 7), buyer: BuyerID(rawValue: buyer),
            key: RequestKey(rawValue: key ?? UInt128(buyer)))
        return ask(.settle(settle), of: partition)
    }

    mutating func change(_ change: ChangeSale.Change, key: UInt128, of partition: Int = 0) -> ReplyAddress {
        ask(
            .change(
                ChangeSale(sale: SaleID(rawValue: 7), key: RequestKey(rawValue: key), change: change)),
            of: partition)
    }

    mutating func lookUp(_ partition: Int = 0) -> ReplyAddress {
        ask(.getSale(SaleID(rawValue: 7), .only), of: partition)
    }

    // MARK: Committing

    /// What the core wants to commit now.
    mutating func send() -> [Batch]? { core.nextTransaction(now) }

    /// The next transaction commits. False when there is none.
    @discardableResult mutating func commit() -> Bool {
        guard send() != nil else { return false }
        core.committed(sent: now, now)
        return true
    }

    /// Answers the question for new fences: they are ours, and the ledger's last batch is this.
    mutating func renew(_ partition: Int = 0, fence: Int64, batch: Int64) {
        let row = Ownership(
            partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: fence), batch: batch,
            last: 0)
        core.renewed([row], sent: now, now)
    }

    // MARK: Results

    mutating func answers() -> [Answer] {
        defer { core.answers = [] }
        return core.answers
    }

    /// All answers so far by address. An address that was answered twice is a failure of ours.
    mutating func replies() -> [ReplyAddress: Reply] {
        Dictionary(answers().map { ($0.to, $0.reply) }) { first, second in
            fatalError("answered twice: \(first), then \(second)")
        }
    }

    mutating func effects() -> [WorkerEffect] {
        defer { core.effects = [] }
        return core.effects
    }

    func phase(_ partition: Int = 0) -> PartitionState.Phase { core.partitions[partition].phase }

    func orders(_ partition: Int = 0) -> Int64 { core.partitions[partition].book.last }
}
