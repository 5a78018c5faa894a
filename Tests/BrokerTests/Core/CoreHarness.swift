import Methods
import Sales
import Wire

@testable import Broker

/// A core with a virtual clock, and the other sides reduced to one line per event.
struct CoreHarness {
    static let partitions = 8
    static let free = MethodID("test.free")
    static let keyed = MethodID("test.keyed")

    var core: BrokerCore
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    /// Every answer that a client got, by its own name for the call.
    private(set) var answers: [Name: [Answer]] = [:]

    struct Name: Hashable {
        let client: Int32
        let callID: UInt64
    }

    enum Answer: Equatable {
        case delivered(Certainty)
        case refused(Verdict)
        case own
    }

    /// An item or credit that was passed on.
    struct Passed: Equatable {
        enum Way { case toWorker, toCaller }
        let way: Way
        let slot: Int32
        let sequence: UInt32
    }

    /// What was passed along streams, what the broker itself sent, and what it asked and told, since last looked.
    var passed: [Passed] = []
    var items: [(callID: UInt64, sequence: UInt32, body: [UInt8])] = []
    var asked: [(client: Int32, number: UInt64)] = []
    var cutOff: [Int32] = []
    var cancelled: [UInt64] = []

    /// A call that the core handed to a worker.
    struct Sent: Equatable {
        let slot: Int32
        let worker: Int32
        /// The call's name towards the worker at the time.
        let id: UInt64
    }

    init(_ change: (inout BrokerConfiguration) -> Void = { _ in }) {
        var configuration = BrokerConfiguration(name: "broker", leaseTTL: .seconds(3))
        configuration.maximumCalls = 64
        configuration.maximumCallsPerClient = 48
        configuration.maximumParked = 16
        change(&configuration)
        core = BrokerCore(configuration: configuration, now: now)
    }

    /// The first sale of a partition.
    static func routing(_ partition: Int) -> RoutingKey {
        (1...).lazy.map { RoutingKey(sale: Int64($0), lane: 0) }
            .first { $0.partition(of: partitions) == partition }!
    }

    static func identity(_ number: Int) -> PeerIdentity {
        let bytes = [UInt8(1), UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
        return PeerIdentity(bytes.span)!
    }

    // MARK: Effects

    /// Notes answers and forgets the effects; returns what went to workers.
    @discardableResult
    mutating func perform() -> [Sent] {
        var sent: [Sent] = []
        for effect in core.effects {
            switch effect {
            case .send(let slot, let worker):
                guard core.table[slot].place == .inFlight, core.table[slot].worker == worker else { continue }
                sent.append(Sent(slot: slot, worker: worker, id: core.table.id(of: slot)))
            case .deliver(let client, let callID, let certainty):
                answers[Name(client: client, callID: callID), default: []].append(.delivered(certainty))
            case .refuse(let client, let callID, let verdict):
                answers[Name(client: client, callID: callID), default: []].append(.refused(verdict))
            case .answerSelf(let client, let callID):
                answers[Name(client: client, callID: callID), default: []].append(.own)
            case .passToWorker(let slot, let sequence):
                passed.append(Passed(way: .toWorker, slot: slot, sequence: sequence))
            case .passToCaller(let slot, let sequence):
                passed.append(Passed(way: .toCaller, slot: slot, sequence: sequence))
            case .item(_, let callID, let sequence, let body):
                items.append((callID, sequence, core.bodies[Int(body)]))
            case .ask(let client, let number): asked.append((client, number))
            case .cutOff(let client): cutOff.append(client)
            case .cancel(_, let id): cancelled.append(id)
            case .keep, .forget, .goAway, .workerJoined, .workerLost, .owned, .disowned:
                continue
            }
        }
        core.effects.removeAll(keepingCapacity: true)
        core.bodies.removeAll()
        return sent
    }

    func answers(_ callID: UInt64, to client: Int32) -> [Answer] {
        answers[Name(client: client, callID: callID)] ?? []
    }

    /// The broker's own answer to a call that got exactly one.
    func verdict(_ callID: UInt64, to client: Int32) -> Verdict? {
        let all = answers(callID, to: client)
        guard all.count == 1, case .refused(let verdict) = all[0] else { return nil }
        return verdict
    }

    // MARK: Events

    mutating func client(_ number: Int) -> Int32 { core.client(Self.identity(number), now)! }

    mutating func worker(
        _ number: Int, name: String? = nil, credit: [Int32] = [16, 4, 2], incarnation: String = "a",
        methods: [MethodID] = [CoreHarness.free, CoreHarness.keyed]
    ) -> Int32 {
        let ready = Ready(
            name: name ?? "worker-\(number)", incarnation: incarnation, partitions: Int32(Self.partitions),
            hash: RoutingKey.hashName, methods: methods, credit: credit, leaseTTL: 3_000)
        precondition(core.ready(ready, from: Self.identity(number), now))
        core.effects.removeAll()
        return core.workerIndex[Self.identity(number)]!
    }

    /// A host of services, which knows no partitions.
    mutating func host(_ number: Int) -> Int32 {
        let ready = Ready(
            name: "host-\(number)", incarnation: "", partitions: 0, hash: "", methods: [CoreHarness.free],
            credit: [16, 4, 2], leaseTTL: 3_000)
        precondition(core.ready(ready, from: Self.identity(number), now))
        core.effects.removeAll()
        return core.workerIndex[Self.identity(number)]!
    }

    @discardableResult
    mutating func call(
        _ callID: UInt64, from client: Int32, partition: Int, key: UInt128? = nil, flags: Header.Flags = [],
        priority: Priority = .normal, milliseconds: UInt32 = 0, size: Int = 40
    ) -> [Sent] {
        var header = Header(.call)
        header.callID = callID
        header.method = Self.keyed
        header.flags = flags.union([.end, .keyed])
        header.routing = Self.routing(partition)
        header.requestKey = key ?? UInt128(callID)
        header.priority = priority
        header.milliseconds = milliseconds
        core.call(header, size: Header.size + size, from: client, now)
        return perform()
    }

    @discardableResult
    mutating func freeCall(
        _ callID: UInt64, from client: Int32, method: MethodID = CoreHarness.free,
        flags: Header.Flags = .end, priority: Priority = .normal, milliseconds: UInt32 = 0, size: Int = 40
    ) -> [Sent] {
        var header = Header(.call)
        header.callID = callID
        header.flags = flags
        header.method = method
        header.priority = priority
        header.milliseconds = milliseconds
        core.call(header, size: Header.size + size, from: client, now)
        return perform()
    }

    @discardableResult
    mutating func own(
        _ partition: Int, by worker: Int32, fence: Int64, incarnation: String = "a", gates: [ClosedGate] = [],
        holder: HolderToken? = nil, stamp: MonotonicTime? = nil
    ) -> [Sent] {
        let own = Own(
            partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: fence),
            incarnation: incarnation, gates: gates, holder: holder)
        core.own(own, stamp: stamp ?? now, from: worker, now)
        return perform()
    }

    @discardableResult
    mutating func disown(_ partition: Int, by worker: Int32, fence: Int64) -> [Sent] {
        core.disown(
            Disown(partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: fence)),
            from: worker, now)
        return perform()
    }

    @discardableResult
    mutating func answer(
        _ sent: Sent, by worker: Int32? = nil, status: Status = .ok, certainty: Certainty = .executed
    ) -> [Sent] {
        var header = Header(.result)
        header.callID = sent.id
        header.status = status
        header.certainty = certainty
        core.result(header, from: worker ?? sent.worker, now)
        return perform()
    }

    @discardableResult
    mutating func handBack(_ sent: Sent, by worker: Int32? = nil) -> [Sent] {
        var header = Header(.returned)
        header.callID = sent.id
        core.returned(header, from: worker ?? sent.worker, now)
        return perform()
    }

    @discardableResult
    mutating func lose(_ worker: Int32) -> [Sent] {
        core.workerLost(worker, now)
        return perform()
    }

    func gate(_ partition: Int, fence: Int64, change: Int64 = 1) -> ClosedGate {
        ClosedGate(
            method: Self.keyed, routing: Self.routing(partition),
            partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: fence), change: change,
            reason: .soldOut)
    }

    mutating func beat(
        _ worker: Int32, gates: [ClosedGate] = [], stamp: MonotonicTime? = nil, isFit: Bool = true,
        canTake: Bool = true
    ) {
        _ = core.worker(core.workers[Int(worker)]!.identity, now)
        core.beat(
            WorkerBeat(isFit: isFit, leaseLeft: 1_000, gates: gates, canTake: canTake),
            stamp: stamp ?? now, from: worker, now)
        perform()
    }

    /// Lets time pass in ticks, as the shell does. Workers listed are heard of throughout.
    @discardableResult
    mutating func pass(_ amount: TimeAmount, hearing workers: [Int32] = []) -> [Sent] {
        let end = now + amount
        var sent: [Sent] = []
        while now < end {
            now = min(end, now + .milliseconds(10))
            for worker in workers { _ = core.worker(core.workers[Int(worker)]!.identity, now) }
            core.tick(now)
            sent += perform()
        }
        return sent
    }

    /// Every slot is on exactly the lists that its place names, and counts are right.
    func violations() -> [String] {
        var found: [String] = []
        var seen = [Int](repeating: 0, count: core.table.capacity)
        func walk(_ list: CallList, _ what: String, _ holds: (Call) -> Bool) {
            var (slot, count) = (list.first, 0)
            while slot >= 0, count <= core.table.capacity {
                seen[Int(slot)] += 1
                if !holds(core.table[slot]) { found.append("slot \(slot) does not belong to \(what)") }
                slot = core.table.places.next(after: slot)
                count += 1
            }
            if count != list.count { found.append("\(what) counts \(list.count), has \(count)") }
        }
        var parked = 0
        for (index, partition) in core.partitions.enumerated() {
            parked += partition.parked.count
            walk(partition.parked, "parked \(index)") { $0.place == .parked && Int($0.partition) == index }
            if partition.owner >= 0, core.workers[Int(partition.owner)] == nil {
                found.append("partition \(index) belongs to nobody")
            }
        }
        parked += core.unplaced.count
        walk(core.unplaced, "unplaced") { $0.place == .unplaced }
        walk(core.watching, "watching") { $0.place == .watching }
        if parked != core.parkedCount { found.append("parked \(parked), counted \(core.parkedCount)") }
        for (index, worker) in core.workers.enumerated() {
            guard let worker else { continue }
            walk(worker.inFlight, "worker \(index)") { $0.place == .inFlight && Int($0.worker) == index }
            for (priority, waiting) in worker.waiting.enumerated() {
                var (count, flows) = (0, Set<Int32>())
                waiting.forEach(core.table.places) { slot in
                    seen[Int(slot)] += 1
                    count += 1
                    let call = core.table[slot]
                    flows.insert(call.client)
                    if call.place != .waiting || Int(call.worker) != index
                        || Int(call.priority.rawValue) != priority
                    {
                        found.append("slot \(slot) does not belong to waiting \(index)")
                    }
                }
                if count != waiting.count || flows.count != waiting.flowCount {
                    found.append("waiting \(index) counts \(waiting.count), has \(count)")
                }
            }
            if worker.load != Int32(worker.inFlight.count) {
                found.append("worker \(index) uses \(worker.load)")
            }
            for creditClass in 0..<4 where worker.used[creditClass] > worker.credit[creditClass] {
                found.append("worker \(index) is over its credit")
            }
        }
        let held = core.table.calls.indices.filter { core.table.calls[$0].place != .free }
        if held.count != core.table.count {
            found.append("\(core.table.count) slots taken, \(held.count) used")
        }
        for slot in held where seen[slot] != 1 { found.append("slot \(slot) is on \(seen[slot]) lists") }
        for slot in held {
            let call = core.table.calls[slot]
            if core.table.slot(of: call.clientCallID, client: call.client) != Int32(slot) {
                found.append("slot \(slot) is not found by its name")
            }
        }
        var (ofClients, ofStreams, kept, parkedOfClients, unread) = (0, 0, 0, 0, 0)
        for case let client? in core.clients {
            ofClients += client.calls.count
            ofStreams += client.streams
            kept += client.keptBytes
            parkedOfClients += client.parked
            unread += client.reading.unread
        }
        if (ofStreams, kept, parkedOfClients, unread)
            != (core.streamCount, core.keptBytes, core.parkedCount, core.unreadBytes)
        {
            found.append("streams \(ofStreams), kept \(kept), parked \(parkedOfClients), unread \(unread)")
        }
        if ofClients != core.table.count { found.append("clients have \(ofClients) of \(core.table.count)") }
        for (key, gate) in core.gates {
            guard let worker = core.workers[Int(gate.worker)], worker.gates.contains(key) else {
                found.append("gate of a lost worker")
                continue
            }
        }
        return found
    }
}
