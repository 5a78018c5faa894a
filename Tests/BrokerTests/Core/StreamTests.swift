import Methods
import Sales
import Testing
import Wire

@testable import Broker

@Suite struct StreamTests {
    /// A stream in flight.
    private struct Scene {
        var broker = CoreHarness { $0.maximumStreams = 24 }
        let client: Int32
        let worker: Int32
        let sent: CoreHarness.Sent

        init(flags: Header.Flags = .stream, milliseconds: UInt32 = 0) {
            client = broker.client(1)
            worker = broker.worker(11, credit: [4, 4, 4, 2])
            sent = broker.freeCall(7, from: client, flags: flags, milliseconds: milliseconds)[0]
        }

        var isOpen: Bool { broker.core.table.slot(of: 7, client: client) != nil }

        mutating func callerSends(_ sequence: UInt32, isLast: Bool = false, size: Int = 10) {
            var header = Header(.data)
            header.callID = 7
            header.sequence = sequence
            if isLast { header.flags = .end }
            broker.core.callerSends(header, size: Header.size + size, from: client, broker.now)
            broker.perform()
        }

        mutating func callerAllows(_ limit: UInt32) {
            var header = Header(.credit)
            header.callID = 7
            header.sequence = limit
            broker.core.callerAllows(header, from: client, broker.now)
            broker.perform()
        }

        mutating func workerSends(_ sequence: UInt32, id: UInt64? = nil, by worker: Int32? = nil) {
            var header = Header(.data)
            header.callID = id ?? sent.id
            header.sequence = sequence
            broker.core.workerSends(header, from: worker ?? self.worker)
            broker.perform()
        }

        mutating func workerAllows(_ limit: UInt32) {
            var header = Header(.credit)
            header.callID = sent.id
            header.sequence = limit
            broker.core.workerAllows(header, from: worker)
            broker.perform()
        }

        func passed(_ way: CoreHarness.Passed.Way) -> [UInt32] {
            broker.passed.filter { $0.way == way }.map(\.sequence)
        }
    }

    @Test func `items pass in both directions, and the result ends it`() {
        var scene = Scene()
        scene.callerSends(0)
        scene.workerSends(0)
        scene.callerSends(1)
        scene.callerSends(2, isLast: true, size: 0)
        scene.workerSends(1)
        #expect(scene.passed(.toWorker) == [0, 1, 2])
        #expect(scene.passed(.toCaller) == [0, 1])
        scene.broker.answer(scene.sent)
        #expect(scene.broker.answers(7, to: scene.client) == [.delivered(.executed)])
        #expect(scene.broker.core.table.count == 0 && scene.broker.core.streamCount == 0)
        // What was on its way meanwhile is dropped.
        scene.workerSends(2)
        scene.callerAllows(40)
        #expect(scene.broker.passed.count == 5)
        #expect(scene.broker.core.counters.lateAnswers == 2)
        #expect(scene.broker.violations() == [])
    }

    @Test func `nobody sends more than the other side allows`() {
        var scene = Scene()
        for sequence in 0..<Limits.initialCredit { scene.callerSends(sequence) }
        #expect(scene.isOpen)
        scene.workerAllows(17)
        scene.callerSends(16)
        #expect(scene.isOpen)
        scene.callerSends(17)
        #expect(scene.broker.verdict(7, to: scene.client)?.reason == .flowControl)
        #expect(scene.broker.cancelled == [scene.sent.id])

        scene = Scene()
        for sequence in 0..<Limits.initialCredit { scene.workerSends(sequence) }
        scene.callerAllows(18)
        scene.workerSends(16)
        scene.workerSends(17)
        #expect(scene.isOpen)
        scene.workerSends(18)
        #expect(scene.broker.verdict(7, to: scene.client)?.reason == .flowControl)
        #expect(scene.broker.cancelled == [scene.sent.id])
        #expect(scene.broker.violations() == [])
    }

    @Test func `credit never shrinks and never goes far beyond what was sent`() {
        var scene = Scene()
        scene.callerAllows(100)
        scene.callerAllows(50)
        scene.callerAllows(.max)
        scene.workerAllows(.max)
        #expect(scene.passed(.toWorker) == [100, 100, Limits.largestCredit])
        #expect(scene.passed(.toCaller) == [Limits.largestCredit])
    }

    @Test(arguments: [[1], [0, 0], [0, 2]] as [[UInt32]])
    func `an item out of order breaks the stream`(sequences: [UInt32]) {
        var scene = Scene()
        for sequence in sequences { scene.callerSends(sequence) }
        let verdict = scene.broker.verdict(7, to: scene.client)
        #expect(verdict?.reason == .flowControl && verdict?.certainty == .maybeExecuted)
        scene = Scene()
        for sequence in sequences { scene.workerSends(sequence) }
        #expect(scene.broker.verdict(7, to: scene.client)?.reason == .flowControl)
    }

    @Test func `after its end a caller sends no items, and one that sends none has ended at once`() {
        var scene = Scene()
        scene.callerSends(0, isLast: true)
        scene.callerSends(1)
        #expect(scene.broker.verdict(7, to: scene.client)?.reason == .flowControl)
        scene = Scene(flags: [.stream, .end])
        scene.callerSends(0)
        #expect(scene.broker.verdict(7, to: scene.client)?.reason == .flowControl)
        scene = Scene()
        // Neither an item nor an end.
        scene.callerSends(0, size: 0)
        #expect(scene.broker.verdict(7, to: scene.client)?.reason == .flowControl)
    }

    @Test func `items of others are dropped`() {
        var scene = Scene()
        let other = scene.broker.client(2)
        let thief = scene.broker.worker(12)
        scene.workerSends(0, by: thief)
        scene.workerSends(0, id: scene.sent.id &+ 1)
        var header = Header(.data)
        header.callID = 7
        scene.broker.core.callerSends(header, size: 70, from: other, scene.broker.now)
        scene.broker.perform()
        #expect(scene.broker.passed.isEmpty)
        #expect(scene.isOpen)
        #expect(scene.broker.core.counters.lateAnswers == 3)
    }

    @Test func `items of a unary call are dropped`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let worker = broker.worker(11)
        let sent = broker.freeCall(7, from: client)
        var header = Header(.data)
        header.callID = 7
        broker.core.callerSends(header, size: 70, from: client, broker.now)
        header.callID = sent[0].id
        broker.core.workerSends(header, from: worker)
        broker.perform()
        #expect(broker.passed.isEmpty && broker.core.table.count == 1)
    }

    // MARK: Ends

    @Test func `a stream lasts until its deadline, and without one for as long as both ends are there`() {
        var scene = Scene(milliseconds: 2_000)
        scene.broker.pass(.milliseconds(2_100), hearing: [scene.worker])
        #expect(scene.broker.verdict(7, to: scene.client)?.status == .deadlineExceeded)
        #expect(scene.broker.cancelled == [scene.sent.id])
        scene = Scene()
        for _ in 0..<400 {
            scene.broker.pass(.seconds(1), hearing: [scene.worker])
            _ = scene.broker.client(1)
        }
        #expect(scene.isOpen)
    }

    @Test func `a client that is silent with a stream open is asked, and then its streams are cancelled`() {
        var scene = Scene()
        scene.broker.pass(.seconds(6), hearing: [scene.worker])
        #expect(scene.broker.asked.map(\.client) == [scene.client])
        scene.broker.pass(.seconds(11), hearing: [scene.worker])
        #expect(scene.broker.asked.count <= 3)
        #expect(scene.broker.cancelled == [scene.sent.id])
        // It may have been away only, so it is told.
        #expect(scene.broker.verdict(7, to: scene.client)?.status == .aborted)
        #expect(scene.broker.verdict(7, to: scene.client)?.certainty == .maybeExecuted)
        #expect(scene.broker.violations() == [])
    }

    @Test func `a stream is not sent again when its worker is lost`() {
        var broker = CoreHarness()
        let client = broker.client(1)
        let workers = [broker.worker(11, credit: [4, 4, 4, 4]), broker.worker(12, credit: [4, 4, 4, 4])]
        broker.own(0, by: workers[0], fence: 1)
        #expect(broker.call(1, from: client, partition: 0, flags: .stream).count == 1)
        #expect(broker.lose(workers[0]).isEmpty)
        #expect(broker.verdict(1, to: client)?.reason == .ownerLost)
        #expect(broker.verdict(1, to: client)?.certainty == .maybeExecuted)
        // And it does not wait for an owner.
        broker.call(2, from: client, partition: 0, flags: .stream)
        #expect(broker.verdict(2, to: client)?.reason == .noOwner)
        #expect(broker.verdict(2, to: client)?.certainty == .notExecuted)
        broker.own(0, by: workers[1], fence: 2)
        let sent = broker.call(3, from: client, partition: 0, flags: .stream)
        broker.handBack(sent[0])
        #expect(broker.verdict(3, to: client)?.certainty == .notExecuted)
        #expect(broker.violations() == [])
    }

    @Test func `streams have credit and a bound of their own`() {
        var scene = Scene()
        #expect(scene.broker.freeCall(8, from: scene.client, flags: .stream).count == 1)
        scene.broker.freeCall(9, from: scene.client, flags: .stream)
        #expect(scene.broker.verdict(9, to: scene.client)?.status == .resourceExhausted)
        for callID: UInt64 in 10...13 {
            #expect(scene.broker.freeCall(callID, from: scene.client).count == 1)
        }
        var broker = CoreHarness { $0.maximumStreams = 3 }
        let client = broker.client(1)
        _ = broker.worker(11, credit: [9, 9, 9, 9])
        for callID: UInt64 in 1...4 { broker.freeCall(callID, from: client, flags: .stream) }
        #expect(broker.core.streamCount == 3)
        #expect(broker.freeCall(5, from: client).count == 1)
    }

    @Test func `a name that is taken is not taken twice`() {
        var scene = Scene()
        #expect(scene.broker.freeCall(7, from: scene.client).isEmpty)
        #expect(scene.broker.core.counters.malformed == 1)
        #expect(scene.isOpen)
    }
}
