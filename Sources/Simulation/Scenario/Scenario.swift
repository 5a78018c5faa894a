import Resilience

/// One run, whole: how large the cluster is, how it behaves, what is asked and what goes wrong. Drawn from a seed;
/// a failing one is shrunk and kept as a file.
package struct Scenario: Codable, Hashable, Sendable {
    package var seed: UInt64
    package var workers: Int
    package var brokers: Int
    package var clients: Int
    package var nodes: Int
    package var partitions: Int
    /// Milliseconds, as all times here.
    package var leaseTTL: Int64
    package var refusesOnQuorumLoss: Bool
    package var units: Int32
    package var limit: Int32
    /// Sales that open after the start, or close before the end: 0 for neither.
    package var opensAfter: Int64
    package var closesAfter: Int64
    /// Seconds that orders are held and attempts to pay may take; nil for ever, and as usual.
    package var hold: Int32?
    package var payment: Int32?
    /// How many entries a transaction takes; small, so that the bound is reached.
    package var maximumEntries: Int
    /// Of a hundred messages so many are slow.
    package var slowMessages: Int
    /// Of a hundred commits so many lose their connection, before or after they were done.
    package var lostCommits: Int
    /// How long things go wrong. Then everything is healed but what the run can do without.
    package var turbulence: Int64
    /// A minority of Redis nodes, and all brokers but one, never come back.
    package var healsCoreOnly: Bool
    package var jobs: [Job]
    package var faults: [ScheduledFault]

    /// True unless Redis breaks its own word: then two may hold a lease at a time.
    package var isRedisHonest: Bool { !faults.contains { $0.fault.isLie } }
}

extension Scenario {
    package init(seed: UInt64) {
        var draw = Draw(SplitMix64(seed: SplitMix64.scatter(seed &+ 0x5ca1ab1e)))
        self.seed = seed
        workers = draw.number(2...4)
        brokers = draw.number(1...3)
        clients = draw.number(1...4)
        nodes = draw.chance(80) ? 5 : 3
        partitions = draw.number(1...4)
        leaseTTL = draw.pick([600, 900, 1_500, 3_000])
        refusesOnQuorumLoss = draw.chance(25)
        units = Int32(draw.chance(40) ? draw.number(1...6) : draw.number(4...30))
        limit = Int32(draw.number(2...5))
        opensAfter = draw.chance(20) ? Int64(draw.number(200...2_500)) : 0
        closesAfter = draw.chance(20) ? Int64(draw.number(2_000...5_000)) : 0
        hold = draw.chance(50) ? Int32(draw.number(1...3)) : nil
        payment = draw.chance(50) ? Int32(draw.number(1...2)) : nil
        maximumEntries = draw.pick([4, 8, 64, 4_096])
        slowMessages = draw.pick([0, 1, 5, 10])
        lostCommits = draw.pick([0, 0, 2, 10])
        turbulence = Int64(draw.number(2_000...7_000))
        healsCoreOnly = draw.chance(30)
        jobs = []
        faults = []
        jobs = drawJobs(&draw)
        faults = drawFaults(&draw)
        jobs = (jobs + faults.flatMap { visits(to: $0, &draw) }).sorted { $0.at < $1.at }
    }

    private func drawJobs(_ draw: inout Draw) -> [Job] {
        // Each kind of request is off in half of the runs, but orders never.
        let weights = [
            draw.weight(), 10 + draw.weight(), draw.weight(), draw.weight() / 8, draw.weight(), draw.weight(),
            draw.weight() / 4, draw.weight() / 8,
        ]
        let orders = 100
        // Of a hundred buyers so many wait.
        let waits = draw.pick([0, 0, 10, 40, 90])
        let buyers = draw.number(2...12)
        let keys = draw.number(2...8)
        var fresh: UInt64 = 1_000
        var jobs: [Job] = []
        let edges = [opensAfter, closesAfter].filter { $0 > 0 }
        for _ in 0..<draw.number(20...120) {
            // Many come just when the window opens or closes.
            let isAtEdge = !edges.isEmpty && draw.chance(40)
            let at =
                isAtEdge
                ? draw.pick(edges) + Int64(draw.number(-60...60)) : Int64(draw.number(0...Int(turbulence)))
            let partition = draw.number(0...partitions - 1)
            let buyer = Int64(draw.number(1...buyers))
            let key = UInt64(draw.number(1...keys))
            fresh += 1
            let wish: Job.Wish =
                switch draw.index(weights: weights + [orders]) {
                case 0: .settle(partition: partition, buyer: buyer, key: draw.chance(50) ? key : fresh)
                case 1: .addUnits(partition: partition, units: Int32(draw.number(1...4)), key: fresh)
                case 2: .getSale(partition: partition)
                case 3:
                    draw.chance(50)
                        ? .openSale(partition: partition, key: fresh)
                        : .closeSale(partition: partition, key: fresh)
                case 4: .getOrder(partition: partition, sequence: Int64(draw.number(1...20)))
                case 5: .listSales(partition: partition)
                case 6:
                    draw.chance(80)
                        ? .cancelOrder(partition: partition, sequence: Int64(draw.number(2...12)), key: fresh)
                        : .listPayments(partition: partition)
                case 7:
                    switch draw.number(0...2) {
                    case 0: .pause(partition: partition, key: fresh)
                    case 1: .resume(partition: partition, key: fresh)
                    default: .withdraw(partition: partition, units: Int32(draw.number(1...3)), key: fresh)
                    }
                default:
                    draw.chance(waits)
                        ? .wait(
                            partition: partition, buyer: buyer, quantity: draw.chance(25) ? 2 : 1,
                            key: draw.chance(60) ? key : fresh)
                        : .place(
                            partition: partition, buyer: buyer, quantity: draw.chance(25) ? 2 : 1,
                            key: draw.chance(60) ? key : fresh)
                }
            // Some do not wait for ever.
            if case .wait(_, _, _, let waited) = wish, draw.chance(30) {
                jobs.append(
                    Job(
                        at: at + Int64(draw.number(20...2_000)), client: draw.number(0...clients - 1),
                        wish: .settle(partition: partition, buyer: buyer, key: waited),
                        deadline: Int64(draw.number(200...4_000)), givesUp: false, hedges: false,
                        cancels: nil))
            }
            jobs.append(
                Job(
                    at: at, client: draw.number(0...clients - 1),
                    wish: wish,
                    deadline: Int64(draw.number(200...4_000)), givesUp: draw.chance(20),
                    hedges: draw.chance(15), cancels: draw.chance(4) ? Int64(draw.number(0...40)) : nil))
        }
        return (jobs + drawPayments(&draw)).sorted { $0.at < $1.at }
    }

    /// Attempts to pay for the first orders of each sale: money comes in time, late or not at all, is told of twice, and is
    /// asked for again when it failed.
    private func drawPayments(_ draw: inout Draw) -> [Job] {
        guard draw.chance(70) else { return [] }
        var jobs: [Job] = []
        for number in 0..<draw.number(5...40) {
            let partition = draw.number(0...partitions - 1)
            let sequence = Int64(draw.number(2...14))
            // Few, so that two of them meet at one order.
            let attempt = UInt64(500 + number % 4)
            func add(_ wish: Job.Wish, at: Int64, _ draw: inout Draw) {
                jobs.append(
                    Job(
                        at: at, client: draw.number(0...clients - 1), wish: wish,
                        deadline: Int64(draw.number(200...4_000)), givesUp: draw.chance(10),
                        hedges: draw.chance(15), cancels: nil))
            }
            func record(_ outcome: String) -> Job.Wish {
                .recordPayment(partition: partition, sequence: sequence, attempt: attempt, outcome: outcome)
            }
            var at = Int64(draw.number(200...Int(turbulence)))
            add(.beginPayment(partition: partition, sequence: sequence, attempt: attempt), at: at, &draw)
            if draw.chance(25) {
                at += Int64(draw.number(10...400))
                add(record("taken"), at: at, &draw)
                at += Int64(draw.number(10...400))
                let key = 50_000 + UInt64(number)
                add(.revokeOrder(partition: partition, sequence: sequence, key: key), at: at, &draw)
                add(record("refunded"), at: at + Int64(draw.number(10...400)), &draw)
                continue
            }
            for outcome in draw.pick([
                ["taken"], ["taken", "refunded"], ["failed"], ["failed", "taken", "refunded"],
            ]) {
                // Sometimes after its order has expired.
                at += Int64(draw.chance(60) ? draw.number(10...400) : draw.number(1_000...5_000))
                add(record(outcome), at: at, &draw)
                if draw.chance(30) { add(record(outcome), at: at + Int64(draw.number(0...50)), &draw) }
            }
        }
        return jobs
    }

    /// While an owner is on an island or not heard, units are added where it is not seen, and buyers come to all sides.
    private func visits(to scheduled: ScheduledFault, _ draw: inout Draw) -> [Job] {
        let partition: Int
        let time: Int64
        let added: Int64
        switch scheduled.fault {
        case .island(let island, _, let length):
            (partition, time, added) = (island, length, scheduled.at + leaseTTL + 100)
        case .muteOwner(let mute, _, let length):
            (partition, time, added) = (mute, length, scheduled.at + 100)
        default:
            return []
        }
        func job(_ wish: Job.Wish, at: Int64, by client: Int) -> Job {
            Job(
                at: at, client: client, wish: wish, deadline: time, givesUp: true, hedges: false, cancels: nil
            )
        }
        let key = 100_000 + UInt64(scheduled.at) * 100
        var jobs: [Job] = []
        for number in 0..<Int(units) + 2 {
            let order = Job.Wish.place(
                partition: partition, buyer: 500 + Int64(number), quantity: 1, key: key + UInt64(number))
            jobs.append(job(order, at: max(0, scheduled.at - 300 + Int64(number)), by: number % clients))
        }
        jobs.append(job(.addUnits(partition: partition, units: 3, key: key + 90), at: added, by: 0))
        for number in 0..<12 {
            let order = Job.Wish.place(
                partition: partition, buyer: 600 + Int64(number), quantity: 1, key: key + 50 + UInt64(number))
            jobs.append(job(order, at: added + Int64(draw.number(0...Int(time))), by: number % clients))
        }
        return jobs
    }

    private func drawFaults(_ draw: inout Draw) -> [ScheduledFault] {
        // Some runs are calm, for bugs that need long calm; half of the kinds are off in each (swarm testing,
        // Groce et al., ISSTA 2012).
        guard !draw.chance(5) else { return [] }
        let weights = FaultKind.allCases.map { draw.weight() * $0.frequency }
        guard weights.contains(where: { $0 > 0 }) else { return [] }
        return (0..<draw.number(1...24)).map { _ in
            let kind = FaultKind.allCases[draw.index(weights: weights)]
            return ScheduledFault(
                at: Int64(draw.number(0...Int(turbulence))), fault: kind.draw(&draw, self))
        }.sorted { $0.at < $1.at }
    }
}

/// The kinds of faults, each on or off in a run.
private enum FaultKind: CaseIterable {
    case killWorker, pauseWorker, starveWorker, drainWorker, addWorker, killBroker, pauseBroker
    case cutBroker, island, muteOwner, blindBroker, cutClient, dropConnection, cutRedis
    case killNode, killMajority, pauseNode, stepNodeClock, flushNode, flushMajority, forgeLease, extendLeases
    case stepMajority, stepWorkerClock
    case dropLedger, cutLedger, cutCommits, stopLedger, slowLedger, hangCommits, catchCommit, failOver
    case strangerTakesFence

    /// What strikes at the right moment is worth more than what strikes at random.
    var frequency: Int { self == .catchCommit ? 4 : 1 }

    func draw(_ draw: inout Draw, _ scenario: Scenario) -> Fault {
        let ttl = scenario.leaseTTL
        let worker = draw.number(0...7)
        let broker = draw.number(0...7)
        let node = draw.number(0...9)
        let partition = draw.number(0...scenario.partitions - 1)
        // Around the lease's lifetime, where leases run out or just do not.
        let around = ttl * Int64(draw.pick([1, 2, 3, 4, 5, 8])) / 4
        let short = Int64(draw.number(5...400))
        let time = draw.chance(50) ? around : short
        let step = Int64(draw.number(100...20_000)) * (draw.chance(50) ? 1 : -1)
        let (to, from) = draw.pick([(true, true), (true, false), (false, true)])
        switch self {
        case .killWorker: return .killWorker(worker, down: time)
        case .pauseWorker: return .pauseWorker(worker, time)
        case .starveWorker: return .starveWorker(worker, time * 2)
        case .drainWorker: return .drainWorker(worker, down: time)
        case .addWorker: return .addWorker
        case .killBroker: return .killBroker(broker, down: time)
        case .pauseBroker: return .pauseBroker(broker, time)
        case .cutBroker:
            return .cutBroker(worker: worker, broker: broker, toBroker: to, fromBroker: from, time)
        case .island:
            return .island(
                partition: partition, broker: broker, ttl + Int64(draw.number(0...Int(ttl) + 2_000)))
        case .muteOwner:
            return .muteOwner(partition: partition, broker: broker, Int64(draw.number(1_200...4_000)))
        case .blindBroker: return .blindBroker(broker, time * 2)
        case .cutClient:
            return .cutClient(client: worker, broker: broker, toBroker: to, fromBroker: from, time)
        case .dropConnection: return .dropConnection(worker: worker, broker: broker)
        case .cutRedis: return .cutRedis(worker: worker, node: node, toNode: to, fromNode: from, time)
        case .killNode: return .killNode(node, down: short, losesData: draw.chance(70))
        case .killMajority: return .killMajority(down: time, losesData: draw.chance(50))
        case .pauseNode: return .pauseNode(node, time)
        case .stepNodeClock: return .stepNodeClock(node, step)
        case .flushNode: return .flushNode(node)
        case .flushMajority: return .flushMajority
        case .forgeLease: return .forgeLease(partition: partition, time)
        case .extendLeases: return .extendLeases(ttl * 2)
        case .stepMajority: return .stepMajority(step)
        case .stepWorkerClock: return .stepWorkerClock(worker, step)
        case .dropLedger: return .dropLedger(worker: worker)
        // Sometimes so long that what was decided before is too old after it, but not given up.
        case .cutLedger:
            return .cutLedger(worker: worker, draw.chance(30) ? Int64(draw.number(5_000...5_900)) : time)
        case .cutCommits: return .cutCommits(worker: worker, time * 2)
        case .stopLedger: return .stopLedger(time)
        case .slowLedger: return .slowLedger(time)
        case .hangCommits: return .hangCommits(Int64(draw.number(50...1_500)))
        case .catchCommit:
            return .catchCommit(
                partition: partition, draw.pick(Fault.Mishap.allCases),
                // Before a successor comes, or so long that it ends the transaction.
                Int64(draw.chance(60) ? draw.number(10...250) : draw.number(250...2_000)))
        case .failOver: return .failOver(short)
        case .strangerTakesFence: return .strangerTakesFence(partition: partition)
        }
    }
}
