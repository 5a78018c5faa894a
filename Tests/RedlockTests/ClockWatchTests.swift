import Testing
import Wire

@testable import Redlock

@Suite struct `Clock watch` {
    /// A reading at which the node's clock shows `clock` milliseconds, all in milliseconds from a start.
    private func reading(_ clock: Int64, sent: Int64, received: Int64) -> ClockWatch.Reading {
        ClockWatch.Reading(
            clock: 1_700_000_000_000_000 + clock * 1_000, sent: MonotonicTime(nanoseconds: sent * 1_000_000),
            received: MonotonicTime(nanoseconds: received * 1_000_000))
    }

    @Test(
        "A step beyond what time and round trips allow is noticed",
        arguments: [
            // A second later, with round trips of 1 ms: 1 % and 10 ms are allowed.
            (1_000, 1_000, 1_001, nil),
            (1_021, 1_000, 1_001, nil),
            (1_030, 1_000, 1_001, 8),
            (980, 1_000, 1_001, nil),
            (970, 1_000, 1_001, -9),
            (3_601_000, 1_000, 1_001, 3_599_978),
            (-3_599_000, 1_000, 1_001, -3_599_979),
            // We got no processor for three seconds between sending and reading: the clock may show any time of it.
            (4_000, 1_000, 4_000, nil),
            (1_000, 1_000, 4_000, nil),
            (4_100, 1_000, 4_000, 50),
            (900, 1_000, 4_000, -79),
        ] as [(Int64, Int64, Int64, Int64?)])
    func notices(clock: Int64, sent: Int64, received: Int64, step: Int64?) {
        var watch = ClockWatch()
        #expect(watch.read(reading(0, sent: 0, received: 1)) == nil)
        #expect(watch.read(reading(clock, sent: sent, received: received))?.milliseconds == step)
    }

    @Test func `a clock that creeps away in small steps is noticed`() {
        var watch = ClockWatch()
        // 5 ms too much with every look, ten of them in a second.
        let steps = (0..<100).compactMap {
            watch.read(reading($0 * 105, sent: $0 * 100, received: $0 * 100 + 1))
        }
        #expect(!steps.isEmpty)
    }

    @Test func `a clock that is 1 % too fast or slow is not, nor are delays of any length`() {
        var generator = SystemRandomNumberGenerator()
        for rate in [99, 100, 101] as [Int64] {
            var watch = ClockWatch()
            var now: Int64 = 0
            for _ in 0..<1_000 {
                let sent = now + .random(in: 0...200, using: &generator)
                let executed = sent + .random(in: 0...1_000, using: &generator)
                now = executed + .random(in: 0...1_000, using: &generator)
                #expect(watch.read(reading(executed * rate / 100, sent: sent, received: now)) == nil)
            }
        }
    }

    @Test func `after a step the new time is the right one`() {
        var watch = ClockWatch()
        _ = watch.read(reading(0, sent: 0, received: 1))
        #expect(watch.read(reading(50_000, sent: 100, received: 101)) != nil)
        #expect(watch.read(reading(50_100, sent: 200, received: 201)) == nil)
        #expect(watch.read(reading(300, sent: 300, received: 301)) != nil)
    }
}
