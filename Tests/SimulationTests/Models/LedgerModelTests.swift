import Ledger
import Sales
import SeededTestSupport
import Simulation
import Testing
import Wire
import ZeroMQ

/// What the simulator takes for the ledger answers as the schema's functions on a real Postgres do.
@Suite(.serialized) struct LedgerModelTests {
    @Test func `random transactions, fences and questions get the answers of a real ledger`() throws {
        var comparison = try LedgerComparison(seed: Operations.seed)
        for _ in 0..<Operations.count { try comparison.step() }
        try comparison.compareEnds()
        // A comparison that never saw one of these has compared little.
        for answer in ["committed", "fenced", "stale", "refused", "owned", "entries", "boolean"] {
            #expect(comparison.seen[answer, default: 0] >= Operations.count / 200, "\(answer)")
        }
    }

    @Test func `transactions that wait for one row, some without a client, end as in an order of the model`()
        throws
    {
        var race = try LedgerRace(seed: Operations.seed)
        let rounds = Operations.count / 40
        for _ in 0..<rounds { try race.round() }
        try race.compareEnds()
        for event in ["committed", "fenced", "overtaken", "zombie committed", "zombie fenced"] {
            #expect(race.seen[event, default: 0] >= rounds / 50, "\(event)")
        }
    }
}

/// Two workers, one after the other, on a real ledger and on the model. The model's clock is what the ledger told.
private struct LedgerComparison {
    private(set) var seen: [String: Int] = [:]
    private let seed: UInt64
    private let ledger: RealLedger
    private let connections: [LedgerConnection]
    private var model = LedgerModel(partitions: LedgerDraw.partitions)
    private var draw: LedgerDraw
    private var clock: LedgerTime
    private var number = 0

    init(seed: UInt64) throws {
        self.seed = seed
        draw = LedgerDraw(seed: seed, workers: 2)
        ledger = try RealLedger(partitions: LedgerDraw.partitions)
        connections = [try ledger.connect(), try ledger.connect()]
        clock = try ledger.clock(connections[0])
    }

    mutating func step() throws {
        number += 1
        if number.isMultiple(of: 20) { clock = try ledger.clock(connections[0]) }
        let worker = draw.generator.number(0...1)
        let operation = draw.operation(of: worker, clock: clock)
        let real = try ledger.answer { operation.run(on: connections[worker], $0) }
        if case .committed(let at) = real { clock = at }
        let modelled = operation.run(on: &model, clock: clock)
        #expect(modelled == real, "operation \(number) of seed \(seed): \(operation)")
        draw.learn(worker, operation, real)
        seen[real.name, default: 0] += 1
        try #require(modelled == real, "what follows would differ, too")
    }

    func compareEnds() throws {
        #expect(try ledger.state() == model.state())
        for partition in 0..<LedgerDraw.partitions {
            let number = Partition(rawValue: Int16(partition))
            let entries = try ledger.answer {
                connections[0].loadEntries(of: number, after: 0, limit: 1_000_000, $0)
            }.get()
            #expect(entries == model.entries[partition])
        }
    }
}

/// Workers whose transactions wait for a row that somebody holds, until all go on at once. Some lose their client
/// meanwhile. Whatever comes out must be what the model says of *some* order of them.
private struct LedgerRace {
    private(set) var seen: [String: Int] = [:]
    private let seed: UInt64
    private let ledger: RealLedger
    private var connections: [LedgerConnection]
    private var model = LedgerModel(partitions: LedgerDraw.partitions)
    private var draw: LedgerDraw
    private var number = 0

    private struct Runner {
        let worker: Int
        let operation: LedgerOperation
        var answer: LedgerOperation.Answer?
        var isZombie = false
    }

    init(seed: UInt64) throws {
        self.seed = seed
        draw = LedgerDraw(seed: seed, workers: 3)
        ledger = try RealLedger(partitions: LedgerDraw.partitions)
        connections = try [ledger.connect(), ledger.connect(), ledger.connect()]
        // Sales that can be sold from.
        let clock = try ledger.clock(connections[0])
        for _ in 0..<500 { try runAlone(draw.operation(of: 0, clock: clock), 0, clock) }
    }

    mutating func round() throws {
        number += 1
        let partition = draw.generator.number(0...LedgerDraw.partitions - 1)
        let clock = try ledger.clock(connections[0])
        let owner = draw.generator.number(0...2)
        if !draw.generator.oneIn(4) { try runAlone(.takeFence(partition), owner, clock) }
        var runners = (0..<3).map {
            Runner(worker: $0, operation: draw.change(of: $0, partition, clock: clock))
        }
        try ledger.psql.run(
            "BEGIN; SELECT 1 FROM stampede.partitions WHERE partition = \(partition) FOR NO KEY UPDATE")
        let answers = Answers(count: runners.count)
        for index in runners.indices {
            runners[index].operation.run(on: connections[index]) { answers.found[index] = $0 }
        }
        // A renewal of a fence that is not the row's any more finds no row to wait for.
        try waitUntil("count(*) FROM pg_locks WHERE NOT granted") {
            $0 + answers.found.count { $0 != nil } == runners.count
        }
        let unlucky = draw.generator.oneIn(4) ? draw.generator.number(0...2) : owner
        if draw.generator.oneIn(3), answers.found[unlucky] == nil {
            runners[unlucky].isZombie = true
            connections[unlucky].close()
        }
        try ledger.psql.run("COMMIT")
        let living = runners.indices.filter { !runners[$0].isZombie }
        ledger.loop.run(atMost: .seconds(60)) { living.allSatisfy { answers.found[$0] != nil } }
        for index in living {
            runners[index].answer = answers.found[index] ?? .failed("no answer in 60 s")
        }
        for index in runners.indices where runners[index].isZombie {
            try waitUntil("count(*) FROM pg_stat_activity WHERE application_name LIKE 'stampede/%'") {
                $0 == living.count
            }
            connections[index] = try ledger.connect()
        }
        try explain(runners, clock)
    }

    private mutating func runAlone(
        _ operation: LedgerOperation, _ worker: Int, _ clock: LedgerTime
    ) throws {
        let real = try ledger.answer { operation.run(on: connections[worker], $0) }
        #expect(operation.run(on: &model, clock: real.clock ?? clock) == real)
        draw.learn(worker, operation, real)
    }

    /// Finds the order in which the model gives these answers and leaves the ledger's state.
    private mutating func explain(_ runners: [Runner], _ clock: LedgerTime) throws {
        let state = try timeless(ledger.state())
        for order in Self.orders {
            var tried = model
            let isSame = order.allSatisfy { index in
                let modelled = runners[index].operation.run(
                    on: &tried, clock: runners[index].answer?.clock ?? clock)
                if runners[index].isZombie { return true }
                return modelled == runners[index].answer
            }
            guard isSame, timeless(tried.state()) == state else { continue }
            note(runners, in: order, clock)
            model = tried
            return
        }
        Issue.record("no order explains round \(number) of seed \(seed): \(runners) left \(state)")
        try #require(Bool(false), "what follows would differ, too")
    }

    private mutating func note(_ runners: [Runner], in order: [Int], _ clock: LedgerTime) {
        if order != [0, 1, 2] { seen["overtaken", default: 0] += 1 }
        var tried = model
        for index in order {
            let modelled = runners[index].operation.run(
                on: &tried, clock: runners[index].answer?.clock ?? clock)
            draw.learn(index, runners[index].operation, runners[index].answer ?? .refused)
            seen[(runners[index].isZombie ? "zombie " : "") + modelled.name, default: 0] += 1
        }
    }

    /// Nobody heard the times of batches whose client was gone.
    private func timeless(_ state: [String]) -> [String] {
        state.map { line in
            line.hasPrefix("batch") ? line.split(separator: "|").dropLast().joined(separator: "|") : line
        }
    }

    func compareEnds() throws {
        #expect(try timeless(ledger.state()) == timeless(model.state()))
        for partition in 0..<LedgerDraw.partitions {
            let number = Partition(rawValue: Int16(partition))
            let entries = try ledger.answer {
                connections[0].loadEntries(of: number, after: 0, limit: 1_000_000, $0)
            }.get()
            #expect(entries == model.entries[partition])
        }
    }

    /// Counts until the number is right, and lets what was written leave meanwhile.
    private func waitUntil(_ count: String, _ isRight: (Int) -> Bool) throws {
        for _ in 0..<20_000 {
            if isRight(Int(try ledger.psql.run("SELECT \(count)").first ?? "") ?? -1) { return }
            ledger.loop.run(atMost: .milliseconds(1)) { false }
        }
        throw Never(count: count)
    }

    private struct Never: Error { let count: String }

    private final class Answers {
        var found: [LedgerOperation.Answer?]
        init(count: Int) { found = Array(repeating: nil, count: count) }
    }

    private static let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
}

extension LedgerOperation.Answer {
    fileprivate var clock: LedgerTime? { if case .committed(let at) = self { at } else { nil } }
}
