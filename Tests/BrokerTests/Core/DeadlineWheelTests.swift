import SeededTestSupport
import Testing
import Wire

@testable import Broker

@Suite struct DeadlineWheelTests {
    private static let start = MonotonicTime(nanoseconds: 5_000_000_003)

    @Test func `a call is due at its time and at most a tick later`() {
        for delay: Int64 in [0, 1, 5, 9, 10, 11, 999, 10_239, 10_240, 10_250, 30_000, 300_000] {
            var wheel = DeadlineWheel(capacity: 1, now: Self.start)
            let due = Self.start + .milliseconds(delay)
            wheel.set(0, due: due)
            var now = Self.start
            while now < due {
                let early = wheel.popDue(now)
                #expect(early == nil)
                now = now + .milliseconds(7)
            }
            var found = wheel.popDue(now)
            while found == nil, now < due + .milliseconds(50) {
                now = now + .milliseconds(1)
                found = wheel.popDue(now)
            }
            #expect(found == 0)
            #expect(now - due <= .milliseconds(20))
            let again = wheel.popDue(now + .seconds(1))
            #expect(again == nil)
        }
    }

    @Test(arguments: 1...30) func `the wheel and a plain list agree`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var now = Self.start
        var wheel = DeadlineWheel(capacity: 64, now: now)
        var model: [Int32: MonotonicTime] = [:]
        for _ in 0..<2_000 {
            let slot = Int32(random.number(0...63))
            switch random.number(1...10) {
            case 1...4:
                // Some are overdue already, some lie beyond several turns of the wheel.
                let due = now + .milliseconds(Int64(random.number(-50...(random.oneIn(4) ? 40_000 : 500))))
                wheel.set(slot, due: due)
                model[slot] = due
            case 5...6:
                wheel.clear(slot)
                model[slot] = nil
            default:
                let pause = random.oneIn(50) ? 25_000 : random.number(0...30)
                now = now + .milliseconds(Int64(pause))
                while let due = wheel.popDue(now) {
                    let expected = model.removeValue(forKey: due)
                    #expect(expected.map { $0 <= now } == true, "slot \(due) is not due")
                    // A handler may end or move other calls meanwhile.
                    if random.oneIn(3) {
                        let other = Int32(random.number(0...63))
                        wheel.clear(other)
                        model[other] = nil
                    }
                    if random.oneIn(4) {
                        let other = Int32(random.number(0...63))
                        model[other] = now + .milliseconds(100)
                        wheel.set(other, due: now + .milliseconds(100))
                    }
                }
                let late = model.filter { $0.value <= now - .milliseconds(20) }
                // What was set overdue since the last tick is met with the next.
                #expect(late.allSatisfy { $0.value < now } && (pause < 20 || late.isEmpty))
            }
        }
        now = now + .seconds(100)
        var rest: Set<Int32> = []
        while let slot = wheel.popDue(now) { rest.insert(slot) }
        #expect(rest == Set(model.keys))
    }

    /// Callers choose their deadlines, so they can choose all of them alike. Reading a bucket anew for each
    /// call that is due would take minutes here.
    @Test(.timeLimit(.minutes(1))) func `a bucket full of calls is read once`() {
        let half: Int32 = 100_000
        var wheel = DeadlineWheel(capacity: Int(2 * half), now: Self.start)
        for slot in 0..<half { wheel.set(slot, due: Self.start + .milliseconds(100)) }
        // One turn of the wheel later: the same bucket, in front of the others.
        for slot in half..<2 * half { wheel.set(slot, due: Self.start + .milliseconds(100 + 10_240)) }
        var count = 0
        while wheel.popDue(Self.start + .milliseconds(200)) != nil { count += 1 }
        #expect(count == Int(half))
    }
}
