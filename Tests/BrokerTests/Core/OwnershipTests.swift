import Methods
import Sales
import Testing
import Wire

@testable import Broker

@Suite struct OwnershipTests {
    @Test func `calls without an owner are parked and served in order when there is one`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        for callID: UInt64 in 1...3 { #expect(broker.call(callID, from: client, partition: 2).isEmpty) }
        #expect(broker.core.parkedCount == 3)
        let sent = broker.own(2, by: worker, fence: 1)
        #expect(sent.map { broker.core.table[$0.slot].clientCallID } == [1, 2, 3])
        #expect(broker.core.parkedCount == 0)
        for call in sent { broker.answer(call, status: .notFound, certainty: .executed) }
        #expect(broker.answers(1, to: client) == [.delivered(.executed)])
    }

    @Test func `parked calls are bounded in number`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        _ = broker.worker(11)
        for callID: UInt64 in 1...9 { broker.call(callID, from: client, partition: 2) }
        #expect(broker.core.parkedCount == 8)
        #expect(broker.verdict(9, to: client)?.status == .unavailable)
        #expect(broker.verdict(9, to: client)?.certainty == .notExecuted)
    }

    @Test func `a parked call ends by its deadline, and by the lease's lifetime and a second`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.call(1, from: client, partition: 2, milliseconds: 1_000)
        broker.call(2, from: client, partition: 2)
        broker.pass(.milliseconds(990), hearing: [worker])
        #expect(broker.answers(1, to: client).isEmpty)
        broker.pass(.milliseconds(30), hearing: [worker])
        #expect(broker.verdict(1, to: client)?.status == .deadlineExceeded)
        #expect(broker.verdict(1, to: client)?.certainty == .notExecuted)
        broker.pass(.milliseconds(2_970), hearing: [worker])
        #expect(broker.answers(2, to: client).isEmpty)
        broker.pass(.milliseconds(30), hearing: [worker])
        #expect(broker.verdict(2, to: client)?.status == .unavailable)
        #expect(broker.verdict(2, to: client)?.reason == .noOwner)
        #expect(broker.verdict(2, to: client)?.certainty == .notExecuted)
        #expect(broker.core.table.count == 0)
    }

    @Test func `nobody waits for an owner when every worker has lost the ledger`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        _ = broker.host(13)
        for worker in workers { broker.beat(worker) }
        broker.call(1, from: client, partition: 2)
        broker.beat(workers[0], isFit: false, canTake: false)
        broker.call(2, from: client, partition: 2)
        #expect(broker.core.parkedCount == 2)
        broker.beat(workers[1], isFit: false, canTake: false)
        broker.call(3, from: client, partition: 2)
        for callID: UInt64 in 1...3 {
            #expect(broker.verdict(callID, to: client)?.reason == .noOwner)
            #expect(broker.verdict(callID, to: client)?.certainty == .notExecuted)
            #expect(broker.verdict(callID, to: client)?.retryAfter == .milliseconds(500))
        }
        #expect(broker.core.parkedCount == 0 && broker.core.table.count == 0)
        // One that still owns a partition answers for itself.
        #expect(broker.own(3, by: workers[0], fence: 1).isEmpty)
        #expect(broker.call(4, from: client, partition: 3).count == 1)
        broker.beat(workers[1])
        broker.call(5, from: client, partition: 2)
        #expect(broker.core.parkedCount == 1)
    }

    /// The ledger is back, and whoever relapsed is not yet called fit: it takes what is free all the same.
    @Test func `calls wait for workers on probation`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        for worker in workers {
            broker.beat(worker)
            broker.beat(worker, isFit: false, canTake: true)
        }
        broker.own(2, by: workers[0], fence: 1)
        broker.core.drain(workers[0])
        broker.disown(2, by: workers[0], fence: 1)
        broker.call(1, from: client, partition: 2)
        #expect(broker.own(2, by: workers[1], fence: 2).count == 1)
    }

    @Test func `calls wait for workers that are only beginning, but not for ever`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let first = broker.worker(11)
        broker.beat(first, isFit: false, canTake: false)
        broker.call(1, from: client, partition: 2)
        #expect(broker.core.parkedCount == 1)
        broker.pass(.milliseconds(4_100), hearing: [first])
        broker.beat(first, isFit: false, canTake: false)
        broker.call(2, from: client, partition: 2)
        #expect(broker.core.parkedCount == 0)
        _ = broker.worker(12)
        broker.call(3, from: client, partition: 2)
        #expect(broker.core.parkedCount == 1)
    }

    @Test func `calls wait for the successor of the last worker, whatever it was`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let only = broker.worker(11)
        broker.beat(only)
        broker.own(2, by: only, fence: 1)
        let sent = broker.call(1, from: client, partition: 2)
        #expect(sent.count == 1)
        broker.beat(only, isFit: false, canTake: false)
        broker.lose(only)
        broker.call(2, from: client, partition: 2)
        #expect(broker.core.parkedCount == 2, "the one that it had waits, too")
    }

    // MARK: Fences

    @Test func `the highest fence wins, and a lower claim is void even when its holder is gone`() {
        var broker = CoreHarness()
        let workers = [broker.worker(11), broker.worker(12), broker.worker(13)]
        broker.own(0, by: workers[0], fence: 5)
        broker.own(0, by: workers[1], fence: 4)
        #expect(broker.core.partitions[0].owner == workers[0])
        broker.own(0, by: workers[1], fence: 5)
        #expect(broker.core.partitions[0].owner == workers[0])
        broker.own(0, by: workers[1], fence: 6)
        #expect(broker.core.partitions[0].owner == workers[1])
        broker.lose(workers[1])
        #expect(broker.core.partitions[0].owner == -1)
        broker.own(0, by: workers[2], fence: 5)
        #expect(broker.core.partitions[0].owner == -1)
        broker.own(0, by: workers[2], fence: 6)
        #expect(broker.core.partitions[0].owner == workers[2])
        broker.own(0, by: workers[2], fence: 7)
        #expect(broker.core.partitions[0].fence == Fence(rawValue: 7))
    }

    @Test func `a claim of nothing is ignored`() {
        var broker = CoreHarness()
        let worker = broker.worker(11)
        for (partition, fence) in [(8, Int64(1)), (-1, 1), (0, 0), (0, -3)] {
            broker.own(partition, by: worker, fence: fence)
        }
        #expect(broker.core.partitions.allSatisfy { $0.owner == -1 && $0.fence.rawValue == 0 })
    }

    @Test func `only the owner disowns, and only under its fence`() {
        var broker = CoreHarness()
        let workers = [broker.worker(11), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 5)
        broker.disown(0, by: workers[1], fence: 5)
        broker.disown(0, by: workers[0], fence: 4)
        broker.disown(9, by: workers[0], fence: 5)
        #expect(broker.core.partitions[0].owner == workers[0])
        broker.disown(0, by: workers[0], fence: 5)
        #expect(broker.core.partitions[0].owner == -1)
        #expect(broker.core.partitions[0].fence == Fence(rawValue: 5))
    }

    /// Its old connection is dead, but the broker does not know yet.
    @Test func `a worker that begins a new session takes its partitions along`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let old = broker.worker(11, name: "one")
        broker.own(0, by: old, fence: 5)
        let first = broker.call(1, from: client, partition: 0)
        let new = broker.worker(12, name: "one")
        let sent = broker.own(0, by: new, fence: 5)
        #expect(broker.core.partitions[0].owner == new)
        #expect(sent.map(\.worker) == [new])
        broker.answer(first[0])
        #expect(broker.answers(1, to: client).isEmpty)
        broker.lose(old)
        #expect(broker.core.partitions[0].owner == new)
        broker.answer(sent[0])
        #expect(broker.answers(1, to: client) == [.delivered(.executed)])
    }

    @Test func `calls of a superseded owner are sent again and stay maybe`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11, credit: [2, 2, 2]), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 5)
        broker.own(1, by: workers[0], fence: 5)
        let before = (1...3).flatMap { broker.call($0, from: client, partition: 0) }
        let elsewhere = broker.call(4, from: client, partition: 1, priority: .high)
        #expect(before.count == 2)
        let after = broker.own(0, by: workers[1], fence: 6)
        #expect(after.map(\.worker) == [workers[1], workers[1], workers[1]])
        #expect(after.map { broker.core.table[$0.slot].isMaybe } == [true, true, false])
        #expect(Set(after.map(\.id)).isDisjoint(with: before.map(\.id)))
        // The old owner's answers come too late.
        for call in before { broker.answer(call) }
        #expect(broker.core.counters.lateAnswers == 2)
        broker.answer(after[0], status: .failedPrecondition, certainty: .notExecuted)
        broker.answer(after[1], status: .ok, certainty: .executed)
        broker.answer(after[2], status: .failedPrecondition, certainty: .notExecuted)
        #expect(broker.answers(1, to: client) == [.delivered(.maybeExecuted)])
        #expect(broker.answers(2, to: client) == [.delivered(.executed)])
        #expect(broker.answers(3, to: client) == [.delivered(.notExecuted)])
        broker.answer(elsewhere[0])
        #expect(broker.answers(4, to: client) == [.delivered(.executed)])
        #expect(broker.violations() == [])
    }

    @Test func `what waits at an owner that gives up is parked, what it has it may answer`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11, credit: [1, 1, 1])
        broker.own(0, by: worker, fence: 5)
        let sent = broker.call(1, from: client, partition: 0)
        broker.call(2, from: client, partition: 0)
        broker.disown(0, by: worker, fence: 5)
        #expect(broker.core.parkedCount == 1)
        broker.answer(sent[0])
        #expect(broker.answers(1, to: client) == [.delivered(.executed)])
        #expect(broker.violations() == [])
    }

    // MARK: Loss

    @Test func `a lost worker's calls are sent again if they have a key, else they are maybe`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12, methods: [CoreHarness.keyed])]
        broker.own(0, by: workers[0], fence: 1)
        broker.call(1, from: client, partition: 0)
        broker.call(2, from: client, partition: 0, key: 0)
        broker.freeCall(3, from: client)
        broker.lose(workers[0])
        for callID: UInt64 in 2...3 {
            #expect(
                broker.verdict(callID, to: client)
                    == Verdict(
                        status: .unavailable, certainty: .maybeExecuted, reason: .ownerLost,
                        retryAfter: .milliseconds(50)))
        }
        let sent = broker.own(0, by: workers[1], fence: 2)
        #expect(sent.count == 1)
        broker.answer(sent[0], status: .unavailable, certainty: .notExecuted)
        #expect(broker.answers(1, to: client) == [.delivered(.maybeExecuted)])
    }

    @Test func `once maybe, always maybe`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        broker.call(1, from: client, partition: 0)
        broker.call(2, from: client, partition: 0, milliseconds: 1_000)
        broker.call(3, from: client, partition: 0)
        broker.lose(worker)
        broker.core.cancel(3, from: client)
        broker.perform()
        broker.pass(.seconds(5))
        #expect(broker.verdict(1, to: client)?.status == .unavailable)
        #expect(broker.verdict(2, to: client)?.status == .deadlineExceeded)
        #expect(broker.verdict(3, to: client)?.status == .cancelled)
        for callID: UInt64 in 1...3 {
            #expect(broker.verdict(callID, to: client)?.certainty == .maybeExecuted)
        }
    }

    @Test func `a call that worker after worker is lost with is not sent for ever`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        var sent: [CoreHarness.Sent] = []
        var lost = 0
        sent = broker.call(1, from: client, partition: 0)
        var next = broker.worker(100)
        sent = broker.own(0, by: next, fence: 1)
        sent += broker.call(1, from: client, partition: 0)
        while !sent.isEmpty, lost < 100 {
            lost += 1
            broker.lose(next)
            next = broker.worker(100 + lost)
            sent = broker.own(0, by: next, fence: Int64(1 + lost))
        }
        #expect(lost == Call.maximumLosses)
        #expect(broker.core.table.count == 0)
    }

    @Test func `a worker is lost after one lease's lifetime of silence`() {
        var broker = CoreHarness()
        let worker = broker.worker(11)
        let heard = broker.worker(12)
        broker.pass(.milliseconds(2_990), hearing: [heard])
        #expect(broker.core.workers[Int(worker)] != nil)
        broker.pass(.milliseconds(30), hearing: [heard])
        #expect(broker.core.workers[Int(worker)] == nil)
        #expect(broker.core.workers[Int(heard)] != nil)
    }

    @Test func `a broker that stood still hears its workers before it judges them`() {
        var broker = CoreHarness()
        let worker = broker.worker(11)
        broker.pass(.milliseconds(500), hearing: [worker])
        broker.now = broker.now + .seconds(10)
        broker.core.tick(broker.now)
        #expect(broker.core.workers[Int(worker)] != nil)
        broker.pass(.milliseconds(3_100))
        #expect(broker.core.workers[Int(worker)] == nil)
    }

    @Test func `an unknown worker is told to begin anew`() {
        var broker = CoreHarness()
        let stranger = CoreHarness.identity(99)
        #expect(broker.core.worker(stranger, broker.now) == nil)
        #expect(broker.core.effects == [.goAway(stranger)])
    }

    @Test func `a call that cannot be sent never left`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 1)
        let earlier = broker.call(1, from: client, partition: 0)
        let sent = broker.call(2, from: client, partition: 0)
        broker.core.unsendable([sent[0].id], worker: workers[0], broker.now)
        broker.perform()
        #expect(broker.core.workers[Int(workers[0])] == nil)
        #expect(broker.core.table[earlier[0].slot].isMaybe)
        #expect(!broker.core.table[sent[0].slot].isMaybe)
        let again = broker.own(0, by: workers[1], fence: 2)
        #expect(again.count == 2)
        #expect(broker.violations() == [])
    }

    @Test func `a free call that cannot be sent was not executed`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        let sent = broker.freeCall(1, from: client)
        broker.core.unsendable([sent[0].id], worker: worker, broker.now)
        broker.perform()
        #expect(broker.verdict(1, to: client)?.certainty == .notExecuted)
    }

    @Test func `of several calls that cannot be sent none was executed`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        broker.own(0, by: worker, fence: 1)
        var names: [UInt64] = []
        for callID: UInt64 in 1...5 { names += broker.freeCall(callID, from: client).map(\.id) }
        let kept = broker.call(6, from: client, partition: 0)
        broker.freeCall(7, from: client)
        broker.core.unsendable(names + [kept[0].id, 1 << 40], worker: worker, broker.now)
        broker.perform()
        for callID: UInt64 in 1...5 {
            #expect(broker.verdict(callID, to: client)?.certainty == .notExecuted)
        }
        #expect(!broker.core.table[kept[0].slot].isMaybe && broker.core.table[kept[0].slot].place == .parked)
        #expect(broker.verdict(7, to: client)?.certainty == .maybeExecuted)
        #expect(broker.violations() == [])
    }

    // MARK: Incarnations

    @Test func `a new incarnation voids fences when no live worker has the old one`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11), broker.worker(12)]
        broker.own(0, by: workers[0], fence: 9)
        broker.own(1, by: workers[1], fence: 9)
        broker.call(1, from: client, partition: 0)
        broker.own(0, by: workers[1], fence: 1, incarnation: "b")
        #expect(broker.core.partitions[0].owner == workers[0], "one worker still has the old ledger")
        let sent = broker.own(0, by: workers[0], fence: 2, incarnation: "b")
        #expect(broker.core.incarnation == "b")
        #expect(broker.core.partitions[0].fence == Fence(rawValue: 2))
        #expect(broker.core.partitions[1].owner == -1)
        broker.own(1, by: workers[1], fence: 10, incarnation: "a")
        #expect(broker.core.partitions[1].owner == -1)
        #expect(sent.isEmpty, "the same worker still has the call")
    }

    // MARK: Membership

    @Test func `a young broker says nothing about membership`() {
        var broker = CoreHarness()
        let workers = [broker.worker(11), broker.worker(12), broker.worker(13)]
        broker.own(3, by: workers[0], fence: 1)
        broker.beat(workers[1], isFit: false)
        broker.core.drain(workers[2])
        #expect(broker.core.beat(broker.now) == BrokerBeat(live: nil, unowned: nil))
        broker.pass(.milliseconds(2_990), hearing: workers)
        #expect(broker.core.beat(broker.now) == BrokerBeat(live: nil, unowned: nil))
        broker.pass(.milliseconds(10), hearing: workers)
        let beat = broker.core.beat(broker.now)
        #expect(beat.live == ["worker-11"])
        #expect(beat.unowned == [0, 1, 2, 4, 5, 6, 7].map { Partition(rawValue: $0) })
    }

    // MARK: The dead

    private let token = HolderToken(rawValue: 7)

    /// A broker that is old enough to speak, and a worker that owns partitions 0 and 1.
    private func owned() -> (CoreHarness, worker: Int32, other: Int32) {
        var broker = CoreHarness()
        let (worker, other) = (broker.worker(11), broker.worker(12))
        broker.pass(.seconds(3), hearing: [worker, other])
        broker.own(0, by: worker, fence: 1, holder: token)
        broker.own(1, by: worker, fence: 1)
        return (broker, worker, other)
    }

    private let dead = [DeadHolder(partition: Partition(rawValue: 0), token: HolderToken(rawValue: 7))]

    @Test func `the lease of a worker whose connection ended is told for one lease's lifetime`() {
        var (broker, worker, other) = owned()
        #expect(broker.core.beat(broker.now).dead == [])
        broker.core.unsendable([], worker: worker, broker.now)
        #expect(broker.core.beat(broker.now).dead == dead, "of what it had a lease for")
        broker.pass(.milliseconds(2_999), hearing: [other])
        #expect(broker.core.beat(broker.now).dead == dead)
        broker.pass(.milliseconds(1), hearing: [other])
        #expect(broker.core.beat(broker.now).dead == [])
    }

    @Test func `who is silent, stuck or leaves in good order is not told dead`() {
        for end in 0..<3 {
            var (broker, worker, other) = owned()
            switch end {
            case 0: broker.pass(.milliseconds(3_010), hearing: [other])
            case 1: broker.core.unsendable([], worker: worker, isGone: false, broker.now)
            default:
                broker.disown(0, by: worker, fence: 1)
                broker.core.unsendable([], worker: worker, broker.now)
            }
            #expect(broker.core.partitions[0].owner == -1)
            #expect(broker.core.beat(broker.now).dead == [], "case \(end)")
        }
    }

    @Test func `who claims the partition, the same worker in a new session or another, ends the rumour`() {
        for fence in [Int64(1), 2] {
            var (broker, worker, other) = owned()
            broker.core.unsendable([], worker: worker, broker.now)
            broker.own(0, by: other, fence: fence)
            broker.core.unsendable([], worker: other, isGone: false, broker.now)
            #expect(broker.core.beat(broker.now).dead == [])
        }
    }

    // MARK: One worker

    private func drain(_ name: String, callID: UInt64 = 1) -> Header {
        var header = SystemMethods.drain.header(for: DrainWorker(worker: name))
        header.callID = callID
        return header
    }

    @Test func `a call for one worker goes to the one of that name`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let methods = [SystemMethods.drain.id, SystemMethods.breaker.id]
        let workers = (11...13).map { broker.worker($0, methods: methods) }
        broker.core.call(drain("worker-12"), size: Header.size, from: client, broker.now)
        #expect(broker.perform().map(\.worker) == [workers[1]])
        var breaker = SystemMethods.breaker.header(for: ForceBreaker(worker: "worker-13"))
        breaker.callID = 2
        broker.core.call(breaker, size: Header.size, from: client, broker.now)
        #expect(broker.perform().map(\.worker) == [workers[2]])
    }

    @Test func `a call for a worker that is not here is not executed`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        _ = broker.worker(11, methods: [SystemMethods.drain.id])
        broker.core.call(drain("worker-12"), size: Header.size, from: client, broker.now)
        #expect(broker.perform().isEmpty)
        #expect(broker.verdict(1, to: client)?.reason == .unknownWorker)
        #expect(broker.verdict(1, to: client)?.certainty == .notExecuted)
    }

    @Test func `a call for one worker does not wait for credit`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        _ = broker.worker(11, credit: [16, 1, 2], methods: [SystemMethods.drain.id])
        broker.core.call(drain("worker-11"), size: Header.size, from: client, broker.now)
        broker.core.call(drain("worker-11", callID: 2), size: Header.size, from: client, broker.now)
        #expect(broker.perform().count == 1)
        #expect(broker.verdict(2, to: client)?.reason == .overloaded)
    }

    @Test func `a host of services is not told to be live`() {
        var broker = CoreHarness()
        let host = broker.host(12)
        let worker = broker.worker(11)
        broker.pass(.seconds(3), hearing: [worker, host])
        #expect(broker.core.beat(broker.now).live == ["worker-11"])
        #expect(broker.core.status(broker.now).workers.map(\.canOwn) == [false, true])
    }
}
