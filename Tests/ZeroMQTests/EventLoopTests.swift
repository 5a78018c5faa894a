import Glibc
import Testing
import Wire

@testable import ZeroMQ

@Suite struct EventLoopTests {
    // MARK: Timers

    @Test func `timers go off in the order of their times`() {
        let loop = EventLoop()
        var order: [Int] = []
        for delay in [30, 5, 20, 1, 10, 15, 25] {
            loop.schedule(after: .milliseconds(Int64(delay))) { order.append(delay) }
        }
        let isDone = loop.run(atMost: .seconds(10)) { order.count == 7 }
        #expect(isDone)
        #expect(order == [1, 5, 10, 15, 20, 25, 30])
    }

    @Test func `a timer never goes off early`() {
        let loop = EventLoop()
        let start = MonotonicTime.now()
        var end: MonotonicTime?
        loop.schedule(after: .microseconds(20_300)) { end = .now() }
        loop.run(atMost: .seconds(10)) { end != nil }
        #expect(end.map { $0 - start >= .microseconds(20_300) } == true)
    }

    @Test func `a cancelled timer does not go off, also when its own or another handler cancels it`() {
        let loop = EventLoop()
        var fired: [String] = []
        let cancelled = loop.schedule(after: .milliseconds(1)) { fired.append("cancelled") }
        loop.cancel(cancelled)
        var later: EventLoop.TimerID?
        loop.schedule(after: .milliseconds(2)) {
            fired.append("first")
            if let later { loop.cancel(later) }
        }
        later = loop.schedule(after: .milliseconds(2)) { fired.append("second") }
        var own: EventLoop.TimerID?
        var beats = 0
        own = loop.schedule(every: .milliseconds(1)) {
            beats += 1
            if beats == 3, let own { loop.cancel(own) }
        }
        var isOver = false
        loop.schedule(after: .milliseconds(60)) { isOver = true }
        loop.run(atMost: .seconds(10)) { isOver }
        #expect(fired == ["first"])
        #expect(beats == 3)
    }

    @Test func `beats that were missed are skipped`() {
        let loop = EventLoop()
        var beats = 0
        loop.schedule(every: .milliseconds(10)) {
            beats += 1
            if beats == 1 { usleep(200_000) }
        }
        var isOver = false
        loop.schedule(after: .milliseconds(215)) { isOver = true }
        loop.run(atMost: .seconds(10)) { isOver }
        #expect(beats < 10)
    }

    @Test func `a timer that schedules itself at once does not hold up the loop`() {
        let loop = EventLoop()
        var count = 0
        func again() {
            count += 1
            loop.schedule(after: .zero) { again() }
        }
        again()
        var turns = 0
        loop.atTurnEnd { turns += 1 }
        loop.run(atMost: .seconds(10)) { turns >= 5 }
        #expect(turns >= 5)
        #expect(count > 1)
    }

    @Test(arguments: 1...10) func `the heap gives timers back in order`(seed: UInt64) {
        var heap = TimerHeap()
        var state = seed
        var expected: [Int64] = []
        for id in 0..<500 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let due = Int64(state >> 50)
            expected.append(due)
            heap.push(MonotonicTime(nanoseconds: due), EventLoop.TimerID(value: UInt64(id)))
        }
        var found: [Int64] = []
        while let due = heap.first?.nanoseconds {
            let early = heap.popDue(MonotonicTime(nanoseconds: due - 1))
            #expect(early == nil)
            let popped = heap.popDue(MonotonicTime(nanoseconds: due))
            #expect(popped != nil)
            found.append(due)
        }
        #expect(found == expected.sorted())
    }

    // MARK: Sources

    /// Both ends of a pipe, closed at the end.
    private final class Pipe {
        let reading: Int32
        let writing: Int32
        init() {
            var ends: [Int32] = [0, 0]
            precondition(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
        }
        func fill() { precondition(write(writing, "x", 1) == 1) }
        func drain() {
            var byte: UInt8 = 0
            precondition(read(reading, &byte, 1) == 1)
        }
        deinit {
            close(reading)
            close(writing)
        }
    }

    @Test func `a descriptor is reported when it can be read or written`() {
        let loop = EventLoop()
        let pipe = Pipe()
        var seen: [EventLoop.Readiness] = []
        let reading = loop.watch(descriptor: pipe.reading, for: .readable) { readiness in
            seen.append(readiness)
            pipe.drain()
        }
        #expect(loop.run(atMost: .milliseconds(20)) { !seen.isEmpty } == false)
        pipe.fill()
        #expect(loop.run(atMost: .seconds(10)) { !seen.isEmpty } == true)
        #expect(seen == [.readable])
        loop.remove(reading)
        let writing = loop.watch(descriptor: pipe.writing, for: []) { seen.append($0) }
        #expect(loop.run(atMost: .milliseconds(20)) { seen.count > 1 } == false)
        loop.update(writing, for: .writable)
        #expect(loop.run(atMost: .seconds(10)) { seen.count > 1 } == true)
        #expect(seen[1] == .writable)
    }

    @Test func `a hang-up is reported whatever was asked for`() {
        let loop = EventLoop()
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0)
        var failed = false
        let id = loop.watch(descriptor: ends[1], for: []) { failed = failed || $0.contains(.failed) }
        close(ends[0])
        #expect(loop.run(atMost: .seconds(10)) { failed } == true)
        loop.remove(id)
        close(ends[1])
    }

    @Test func `a source that was removed in the same turn is not called`() {
        let loop = EventLoop()
        let pipes = (0..<3).map { _ in Pipe() }
        var ids: [EventLoop.SourceID] = []
        var called: [Int] = []
        for (index, pipe) in pipes.enumerated() {
            ids.append(
                loop.watch(descriptor: pipe.reading, for: .readable) { _ in
                    called.append(index)
                    for id in ids { loop.remove(id) }
                })
            pipe.fill()
        }
        #expect(loop.run(atMost: .milliseconds(50)) { called.count > 1 } == false)
        #expect(called == [0])
    }

    @Test func `a source that a handler adds is called from the next turn on`() {
        let loop = EventLoop()
        let pipes = (0..<5).map { _ in Pipe() }
        var called: [Int] = []
        func add(_ index: Int) {
            pipes[index].fill()
            var id: EventLoop.SourceID?
            id = loop.watch(descriptor: pipes[index].reading, for: .readable) { _ in
                called.append(index)
                if let id { loop.remove(id) }
                if index + 1 < pipes.count { add(index + 1) }
            }
        }
        add(0)
        #expect(loop.run(atMost: .seconds(10)) { called.count == 5 } == true)
        #expect(called == [0, 1, 2, 3, 4])
    }

    @Test func `a loop without sources still waits and keeps time`() {
        let loop = EventLoop()
        let start = MonotonicTime.now()
        #expect(loop.run(atMost: .milliseconds(30)) { false } == false)
        #expect(MonotonicTime.now() - start >= .milliseconds(30))
    }

    @Test func `running ends after the turn in which it was stopped`() {
        let loop = EventLoop()
        var turnEnds = 0
        loop.atTurnEnd { turnEnds += 1 }
        loop.schedule(after: .milliseconds(1)) { loop.stop() }
        loop.run()
        #expect(turnEnds >= 1)
    }

    @Test func `work that was left behind is done without waiting`() {
        let loop = EventLoop()
        var turns = 0
        loop.atTurnEnd {
            turns += 1
            loop.continueSoon()
        }
        loop.continueSoon()
        #expect(loop.run(atMost: .milliseconds(500)) { turns > 20 } == true)
    }

    @Test func `a signal is a message to the loop`() {
        let loop = EventLoop()
        var seen: [Int32] = []
        loop.watch(signals: [SIGUSR2]) { seen.append($0) }
        // To this thread, which blocks it: the others of a test process do not.
        pthread_kill(pthread_self(), SIGUSR2)
        #expect(loop.run(atMost: .seconds(10)) { !seen.isEmpty } == true)
        #expect(seen == [SIGUSR2])
    }
}
