import Methods
import Sales
import Wire

@testable import Workers

/// What the brokers together know: who lives, who owns what under which fence.
final class ModelBroker {
    private struct Yield {
        let partition: Partition
        let asker: ModelWorker
        let askersLife: Int
        let owner: ModelWorker
    }

    unowned let world: World
    private var owners = [ModelWorker?](repeating: nil, count: World.partitions)
    private var highest = [Fence](repeating: Fence(rawValue: 0), count: World.partitions)
    private var seen: [String: MonotonicTime] = [:]
    private var fit: [String: Bool] = [:]
    /// Hand-overs that were asked for, and by whom.
    private var yields: [UInt64: Yield] = [:]
    private var lastYield: UInt64 = 0
    static let session: UInt32 = 9

    init(_ world: World) { self.world = world }

    func owner(of partition: Int) -> ModelWorker? { owners[partition] }

    func owned(by worker: ModelWorker) -> [Int] { owners.indices.filter { owners[$0] === worker } }

    // MARK: Claims

    func owns(_ worker: ModelWorker, _ partition: Int) {
        let fence = worker.core.partitions[partition].fence
        guard fence >= highest[partition] else { return }
        highest[partition] = fence
        owners[partition] = worker
    }

    func disowns(_ worker: ModelWorker, _ partition: Int) {
        if owners[partition] === worker { owners[partition] = nil }
    }

    func lost(_ worker: ModelWorker) {
        for partition in owners.indices where owners[partition] === worker { owners[partition] = nil }
        seen[worker.name] = nil
        // In order, as every draw of the generator counts.
        for (call, yield) in yields.sorted(by: { $0.key < $1.key }) where yield.owner === worker {
            yields[call] = nil
            answer(yield, isGranted: false)
        }
        world.clients.lost(worker)
    }

    // MARK: Beats

    /// A worker's beat, and ours back.
    func heard(_ worker: ModelWorker) {
        let now = world.now
        seen[worker.name] = now
        fit[worker.name] = worker.core.isFit(now) && !worker.core.isDraining
        for other in world.workers where seen[other.name].map({ now - $0 > World.ttl }) ?? false {
            for partition in owners.indices where owners[partition] === other { owners[partition] = nil }
        }
        // A session that was given up begins anew with all claims.
        for (partition, state) in worker.core.partitions.enumerated()
        where owners[partition] == nil && state.phase == .owned { owns(worker, partition) }
        for gate in worker.core.closedGates(now) {
            // A gate counts only with its newest fence, and only as long as that is nobody else's.
            guard owners[Int(gate.partition.rawValue)] === worker,
                gate.fence == highest[Int(gate.partition.rawValue)]
            else { continue }
            if !world.ledger.wasSoldOut(SaleID(rawValue: gate.routing.sale), now) {
                world.violate("P7: \(worker.name) closes the gate of \(gate.partition)")
            }
        }
        let live = world.workers.map(\.name).filter { name in
            fit[name] == true && seen[name].map { now - $0 <= World.ttl } ?? false
        }
        let unowned = owners.indices.filter { owners[$0] == nil }.map { Partition(rawValue: Int16($0)) }
        worker.after(world.delay()) {
            $0.core.membership.heard(BrokerBeat(live: live, unowned: unowned), from: 1, $0.world.now)
        }
    }

    // MARK: Hand-overs

    func askYield(_ partition: Partition, for asker: ModelWorker) {
        guard let owner = owners[Int(partition.rawValue)] else {
            return asker.after(world.delay()) {
                $0.core.yieldAnswered(partition, isGranted: false, $0.world.now)
            }
        }
        lastYield += 1
        let to = ReplyAddress(session: ModelBroker.session, callID: lastYield)
        yields[lastYield] = Yield(
            partition: partition, asker: asker, askersLife: asker.life, owner: owner)
        let request = YieldPartition(partition: partition, successor: asker.name)
        owner.after(world.delay()) { $0.core.yield(request, to: to, $0.world.now) }
    }

    func answered(_ answer: Answer) {
        guard let yield = yields.removeValue(forKey: answer.to.callID) else {
            return world.violate("a hand-over was answered twice: \(answer)")
        }
        self.answer(yield, isGranted: answer.reply == .yielded)
    }

    private func answer(_ yield: Yield, isGranted: Bool) {
        guard yield.asker.life == yield.askersLife else { return }
        yield.asker.after(world.delay()) {
            $0.core.yieldAnswered(yield.partition, isGranted: isGranted, $0.world.now)
        }
    }
}
