import Methods
import Resilience
import Sales
import Wire

@testable import Workers

/// Two or three workers on a virtual clock, with a ledger, leases, a broker and clients that are models, and
/// everything that goes wrong drawn from one seed.
final class World {
    static let partitions = 3
    static let ttl = TimeAmount.milliseconds(600)
    static let units: Int32 = 12
    static let limit: Int32 = 3
    /// How long things go wrong, and how long it may then take until all is well (design §7: TTL + 1 s, and
    /// more here, as a restarted worker may be paused, and an unfit one waits for 2 s).
    private static let chaos = TimeAmount.milliseconds(2_500)
    private static let patience = TimeAmount.seconds(8)

    let seed: UInt64
    private var random: SplitMix64
    private var time = VirtualTime()
    var ledger = ModelLedger(partitions: World.partitions)
    var leases = ModelLeases()
    var broker: ModelBroker!
    var clients: ModelClients!
    private(set) var workers: [ModelWorker] = []
    let onQuorumLoss: WorkerConfiguration.QuorumLossPolicy
    /// Nothing goes wrong any more.
    private(set) var isCalm = false
    private(set) var violations: [String] = []
    private(set) var steps = 0
    /// Everything that was said to clients, folded to a number: two runs of one seed must agree.
    private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        onQuorumLoss = seed % 4 == 0 ? .refuse : .continue
        broker = ModelBroker(self)
        clients = ModelClients(self)
        ledger.createSales(units: World.units, limit: World.limit, clock: clock, now)
        workers = (1...2 + Int(seed % 2)).map { ModelWorker("worker-\($0)", self) }
    }

    var now: MonotonicTime { time.now }
    var clock: LedgerTime { LedgerTime(rawValue: 1_700_000_000_000_000 + now.nanoseconds / 1_000) }

    func schedule(at moment: MonotonicTime, _ action: @escaping () -> Void) {
        time.schedule(at: moment, action)
    }

    func draw() -> UInt64 { random.next() }

    func upTo(_ most: TimeAmount) -> TimeAmount {
        TimeAmount(nanoseconds: Int64(draw() % UInt64(most.nanoseconds)))
    }

    /// Of one message: mostly short, sometimes long.
    func delay() -> TimeAmount {
        upTo(isCalm || draw() % 16 != 0 ? .milliseconds(4) : .milliseconds(120))
    }

    func violate(_ text: String) { violations.append("\(now.nanoseconds / 1_000): \(text)") }

    func note(_ answer: Answer) {
        trace = (trace ^ answer.to.callID) &* 0x100_0000_01b3
        trace = (trace ^ UInt64(answer.reply.mark)) &* 0x100_0000_01b3
        trace = (trace ^ UInt64(now.nanoseconds)) &* 0x100_0000_01b3
    }

    // MARK: Running

    /// Chaos, then calm, then the rest is sold. Afterwards `violations` says what was promised and not kept.
    func run() {
        for worker in workers { worker.start() }
        clients.begin(over: World.chaos)
        let end = now + World.chaos
        scheduleMischief(until: end)
        advance(until: end) { false }
        calm()
        advance(until: now + World.patience) { self.isWell }
        if !isWell { violate("P8: not well after the calm: \(clients.unfinished)") }
        let left = (0..<World.partitions).map { ledger.stock[SaleID(rawValue: Int64($0) + 1)] ?? 0 }
        clients.buyOut()
        advance(until: now + World.patience) { self.isWell }
        if !isWell { violate("P8: not well after selling out: \(clients.unfinished)") }
        for partition in 0..<World.partitions where ledger.stock[SaleID(rawValue: Int64(partition) + 1)] != 0
        {
            violate("P7: \(left[partition]) units were left in \(partition), and demand")
        }
        violations += ledger.audit()
        release()
    }

    private func advance(until end: MonotonicTime, _ isOver: () -> Bool) {
        while now < end, !isOver(), let action = time.next() {
            action()
            steps += 1
        }
    }

    private var isWell: Bool {
        clients.isDone && (0..<World.partitions).allSatisfy { broker.owner(of: $0) != nil }
            && workers.allSatisfy { $0.core.transaction == .none && $0.core.again.isEmpty }
    }

    /// The parts know each other; without this none would ever be freed.
    private func release() {
        time = VirtualTime()
        workers = []
    }

    // MARK: Mischief

    private func scheduleMischief(until end: MonotonicTime) {
        let next = now + upTo(.milliseconds(300))
        guard next < end else { return }
        schedule(at: next) { [self] in
            makeMischief()
            scheduleMischief(until: end)
        }
    }

    private func makeMischief() {
        let worker = workers[Int(draw() % UInt64(workers.count))]
        let partition = Int(draw() % UInt64(World.partitions))
        switch draw() % 15 {
        case 0, 1: leases.forge("partition:\(partition)", until: now + upTo(World.ttl * 2))
        case 2: leases.flush()
        case 3: leases.noQuorumUntil = now + upTo(World.ttl * 3)
        case 4, 5: leases.liesUntil = now + upTo(World.ttl)
        case 6, 7: worker.pause(upTo(World.ttl * 2))
        case 8: worker.restart()
        case 9: worker.cutOff(upTo(.milliseconds(2_500)))
        case 10: for worker in workers { worker.cutOff(upTo(.milliseconds(500))) }
        case 11: _ = ledger.takeFence(partition, by: "a stranger")
        case 12: worker.after(.zero) { $0.core.drain($0.world.now) }
        case 13: worker.stall(upTo(.milliseconds(2_000)))
        default: failOver()
        }
    }

    /// Another ledger with the same content; each worker finds out in its own time.
    private func failOver() {
        ledger.incarnation += 1
        for worker in workers { worker.after(upTo(.milliseconds(300))) { $0.learnIncarnation() } }
    }

    private func calm() {
        isCalm = true
        leases.noQuorumUntil = now
        leases.liesUntil = now
        for worker in workers { worker.heal() }
    }
}

extension Reply {
    /// Tells answers apart, roughly and cheaply.
    fileprivate var mark: Int64 {
        switch self {
        case .order(let sequence): 100 + sequence
        case .settled(let sequence): 10_000 + sequence
        case .sale(let sale): 1_000_000 + sale.left
        case .sales: 1
        case .refused: 2
        case .unavailable: 3
        case .broken: 4
        case .returned: 5
        case .yielded: 6
        case .notYielded: 7
        }
    }
}
