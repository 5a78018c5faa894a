import Resilience
import Testing
import Wire

@testable import Client

@Suite struct DeadlineWheelTests {
    @Test(arguments: 1...20)
    func `due times are met in time, never early, also beyond one round`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var now = MonotonicTime(nanoseconds: 77_123_456_789)
        var wheel = DeadlineWheel(now: now)
        var due: [Int: MonotonicTime] = [:]
        for _ in 0..<64 { wheel.grow() }
        for _ in 0..<5_000 {
            let slot = Int.random(in: 0..<64, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let wait = TimeAmount.microseconds(Int64.random(in: -10...10_000_000, using: &random))
                due[slot] = now + wait
                wheel.set(slot, due: now + wait)
            case 2:
                due[slot] = nil
                wheel.remove(slot)
            default:
                now = now + .microseconds(Int64.random(in: 0...600_000, using: &random))
                var slots: [Int] = []
                wheel.advance(to: now, into: &slots)
                for slot in slots {
                    let time = due.removeValue(forKey: slot)
                    #expect(time.map { $0 <= now } == true)
                }
                let late = due.values.filter { $0 + DeadlineWheel.step + DeadlineWheel.step <= now }
                #expect(late.isEmpty)
            }
            #expect(wheel.count == due.count)
            let wake = wheel.wake(notAfter: now + .seconds(100))
            if let first = due.values.min() {
                #expect(wake <= max(now, first) + DeadlineWheel.step + DeadlineWheel.step)
            }
        }
    }
}
