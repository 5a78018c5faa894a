import Methods
import Sales
import SeededTestSupport
import Testing
import Wire

@testable import Broker

/// Random events in random order: whatever happens, every call gets exactly one answer and no slot is lost.
@Suite struct EventSoupTests {
    @Test(arguments: 1...40) func `every call ends exactly once`(seed: Int) {
        var soup = Soup(seed: UInt64(seed))
        for _ in 0..<1_500 {
            soup.step()
            let violations = soup.broker.violations()
            #expect(violations.isEmpty)
            if !violations.isEmpty { return }
        }
        soup.finish()
        #expect(soup.broker.core.table.count == 0)
        #expect(soup.broker.core.parkedCount == 0)
        #expect(soup.calls.count > 300)
        for name in soup.calls {
            let answers = soup.broker.answers(name.callID, to: name.client)
            #expect(answers.count == 1, "call \(name.callID) got \(answers)")
        }
        for name in soup.handed where !soup.lostCalls.contains(name) {
            // Sticky certainty: who was lost with a call may have run it, so nobody says "not executed" later.
            for case .refused(let verdict) in soup.broker.answers(name.callID, to: name.client) {
                #expect(verdict.certainty != .notExecuted)
            }
        }
    }
}

private struct Soup {
    var broker = CoreHarness {
        $0.gateLease = .milliseconds(200)
        // Its clients say nothing but calls.
        $0.streamSilence = .seconds(100_000)
        $0.maximumStreams = 12
    }
    var random: SeededGenerator
    var calls: Set<CoreHarness.Name> = []
    /// Calls that were in flight when their worker was lost, if repeatable.
    var handed: Set<CoreHarness.Name> = []
    var lostCalls: Set<CoreHarness.Name> = []
    private var nextCall: UInt64 = 1
    private var nextPeer = 100
    private var fence: Int64 = 1
    private var clients: [Int32] = []
    private var sent: [CoreHarness.Sent] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        clients = (1...4).map { broker.client($0) }
        _ = broker.worker(50, credit: [16, 4, 2, 4])
    }

    private var live: [Int32] {
        broker.core.workers.indices.filter { broker.core.workers[$0] != nil }.map { Int32($0) }
    }
    private mutating func anyWorker() -> Int32? { live.randomElement(using: &random) }

    mutating func step() {
        switch random.number(1...100) {
        case 1...40: call()
        case 41...58: answer()
        case 59...63: handBack()
        case 64...70: own()
        case 71...73:
            if let worker = anyWorker() {
                let partition = random.number(0...7)
                let known = broker.core.partitions[partition].fence.rawValue
                sent += broker.disown(partition, by: worker, fence: known)
            }
        case 74...78: join()
        case 79...80:
            if let worker = anyWorker() { loseWorker(worker) }
        case 81...82: unsendable()
        case 83...86:
            broker.core.cancel(UInt64(random.number(1...Int(nextCall))), from: clients[random.number(0...3)])
            sent += broker.perform()
        case 87...91:
            if let worker = anyWorker() {
                let gates = (0...7).filter { _ in random.oneIn(4) }.map { partition in
                    broker.gate(partition, fence: broker.core.partitions[partition].fence.rawValue)
                }
                broker.beat(worker, gates: gates, isFit: !random.oneIn(5))
            }
        case 92: loseClient()
        case 93...95: stream()
        default:
            let heard = live.filter { _ in !random.oneIn(6) }
            for _ in 0..<random.number(1...30) {
                sent += broker.pass(.milliseconds(10), hearing: heard.filter(live.contains))
            }
        }
    }

    private mutating func call() {
        let client = clients[random.number(0...3)]
        let callID = nextCall
        nextCall += 1
        calls.insert(CoreHarness.Name(client: client, callID: callID))
        let priority = Priority.allCases[random.number(0...2)]
        let milliseconds = UInt32(random.oneIn(3) ? 0 : random.number(1...2_000))
        if random.oneIn(6) {
            let flags: Header.Flags = random.oneIn(2) ? [.stream] : [.stream, .end]
            sent += broker.freeCall(
                callID, from: client, flags: flags, priority: priority,
                milliseconds: UInt32(random.number(1...2_000)))
        } else if random.oneIn(4) {
            sent += broker.freeCall(callID, from: client, priority: priority, milliseconds: milliseconds)
        } else {
            sent += broker.call(
                callID, from: client, partition: random.number(0...7), key: random.oneIn(4) ? 0 : nil,
                flags: random.oneIn(2) ? .retry : [], priority: priority, milliseconds: milliseconds)
        }
    }

    /// Items and credit along the streams there are: mostly as they should be, sometimes not.
    private mutating func stream() {
        let streams = broker.core.table.calls.indices.filter {
            broker.core.table.calls[$0].place == .inFlight && broker.core.table.calls[$0].stream != nil
        }
        for _ in 0..<random.number(1...8) {
            guard let index = streams.randomElement(using: &random) else { return }
            let (slot, call) = (Int32(index), broker.core.table.calls[index])
            guard call.place == .inFlight, let state = call.stream else { continue }
            let noise: UInt32 = random.oneIn(20) ? UInt32(random.number(0...3)) : 0
            var header = Header(random.oneIn(3) ? .credit : .data)
            let fromCaller = random.oneIn(2)
            header.callID = fromCaller ? call.clientCallID : broker.core.table.id(of: slot)
            let worker = random.oneIn(20) ? (anyWorker() ?? call.worker) : call.worker
            if fromCaller, random.oneIn(6) { header.flags = .end }
            switch (header.kind, fromCaller) {
            case (.data, true):
                header.sequence = state.sent &+ noise
                broker.core.callerSends(
                    header, size: Header.size + (random.oneIn(6) ? 0 : 9), from: call.client, broker.now)
            case (.data, false):
                header.sequence = state.received &+ noise
                broker.core.workerSends(header, from: worker)
            case (_, true):
                header.sequence = UInt32(random.number(0...60))
                broker.core.callerAllows(header, from: call.client, broker.now)
            case (_, false):
                header.sequence = UInt32(random.number(0...60))
                broker.core.workerAllows(header, from: worker)
            }
            sent += broker.perform()
            if let state = broker.core.table[slot].stream {
                #expect(state.sent <= state.sendLimit && state.received <= state.receiveLimit)
            }
        }
    }

    /// Answers may be late, from the wrong worker, or repeated.
    private mutating func answer() {
        guard let index = sent.indices.randomElement(using: &random) else { return }
        let call = random.oneIn(8) ? sent[index] : sent.remove(at: index)
        let worker = random.oneIn(10) ? (anyWorker() ?? 0) : call.worker
        guard broker.core.workers.indices.contains(Int(worker)), broker.core.workers[Int(worker)] != nil
        else {
            return
        }
        sent += broker.answer(
            call, by: worker, status: random.oneIn(2) ? .ok : .failedPrecondition, certainty: .executed)
    }

    private mutating func handBack() {
        guard let index = sent.indices.randomElement(using: &random) else { return }
        let call = sent[index]
        guard broker.core.workers[Int(call.worker)] != nil else { return }
        sent += broker.handBack(call)
    }

    private mutating func own() {
        guard let worker = anyWorker() else { return }
        if random.oneIn(2) { fence += 1 }
        let claimed = random.oneIn(4) ? Int64(random.number(1...Int(fence))) : fence
        let incarnation = random.oneIn(40) ? "b" : broker.core.incarnation
        sent += broker.own(random.number(0...7), by: worker, fence: claimed, incarnation: incarnation)
    }

    private mutating func join() {
        guard live.count < 4 else { return }
        nextPeer += 1
        let credit = (0..<4).map { _ in Int32(random.number(0...4)) }
        let name = random.oneIn(3) ? "worker-50" : nil
        _ = broker.worker(nextPeer, name: name, credit: credit)
        sent += broker.perform()
    }

    private mutating func loseWorker(_ worker: Int32) {
        for call in broker.core.table.calls where call.place == .inFlight && call.worker == worker {
            handed.insert(CoreHarness.Name(client: call.client, callID: call.clientCallID))
        }
        sent += broker.lose(worker)
    }

    private mutating func unsendable() {
        guard let call = sent.last, broker.core.table.slot(of: call.id) == call.slot,
            broker.core.table[call.slot].worker == call.worker
        else { return }
        let names = sent.filter { $0.worker == call.worker && random.oneIn(2) }.map(\.id)
        broker.core.unsendable(names + [call.id], worker: call.worker, broker.now)
        sent += broker.perform()
    }

    /// The calls of a lost client get no answer, so they do not count.
    private mutating func loseClient() {
        let index = random.number(0...3)
        for call in broker.core.table.calls where call.place != .free && call.client == clients[index] {
            let name = CoreHarness.Name(client: call.client, callID: call.clientCallID)
            calls.remove(name)
            lostCalls.insert(name)
        }
        broker.core.clientLost(clients[index])
        sent += broker.perform()
        nextPeer += 1
        clients[index] = broker.client(nextPeer)
    }

    /// Deadlines end what is left.
    mutating func finish() { broker.pass(.seconds(40)) }
}
