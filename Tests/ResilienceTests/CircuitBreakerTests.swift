import Resilience
import Testing
import Wire

@Suite struct CircuitBreakerTests {
    private var breaker = CircuitBreaker()
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    private func isAdmitted(_ admission: CircuitBreaker.Admission) -> Bool { admission == .admitted }

    @Test mutating func `opens after three failures in a row, not before`() {
        for _ in 1..<CircuitBreaker.threshold {
            breaker.failed(start, random: 0)
            #expect(breaker.isClosed)
            #expect(breaker.admit(start) == .admitted)
        }
        breaker.failed(start, random: 0)
        #expect(!breaker.isClosed)
        #expect(!isAdmitted(breaker.admit(start)))
    }

    @Test mutating func `a success between failures starts the count anew`() {
        for _ in 0..<10 {
            breaker.failed(start, random: 0)
            breaker.failed(start, random: 0)
            breaker.succeeded(start)
        }
        #expect(breaker.isClosed)
    }

    @Test mutating func `a lost connection opens it at once`() {
        breaker.trip(start, random: 0)
        #expect(!isAdmitted(breaker.admit(start)))
    }

    @Test(arguments: [
        (UInt64(0), TimeAmount.milliseconds(250)), (100_000_000, .milliseconds(350)),
        (250_000_000, .milliseconds(500)), (250_000_001, .milliseconds(250)),
    ])
    func `stays open for 250 to 500 ms, by chance`(random: UInt64, open: TimeAmount) {
        var breaker = breaker
        breaker.trip(start, random: random)
        #expect(breaker.admit(start) == .refused(retryAfter: open))
        #expect(breaker.wantsProbe(start + open - .nanoseconds(1)) == false)
        #expect(breaker.wantsProbe(start + open) == true)
    }

    @Test mutating func `the time to retry after is never nothing`() {
        breaker.trip(start, random: 0)
        #expect(breaker.admit(start + .milliseconds(249)) == .refused(retryAfter: .milliseconds(50)))
        // Due for a probe, which no call is.
        #expect(breaker.admit(start + .seconds(1)) == .refused(retryAfter: .milliseconds(50)))
        #expect(breaker.admit(start + .seconds(1)) == .refused(retryAfter: .milliseconds(250)))
    }

    @Test mutating func `failures while it is open do not keep it open longer`() {
        breaker.trip(start, random: 0)
        breaker.failed(start + .milliseconds(200), random: 0)
        breaker.trip(start + .milliseconds(200), random: 0)
        #expect(breaker.wantsProbe(start + .milliseconds(250)) == true)
    }

    @Test mutating func `a failed probe opens it again`() {
        breaker.trip(start, random: 0)
        let due = start + .milliseconds(250)
        #expect(breaker.wantsProbe(due) == true)
        breaker.failed(due, random: 0)
        #expect(breaker.wantsProbe(due + .milliseconds(249)) == false)
        #expect(breaker.wantsProbe(due + .milliseconds(250)) == true)
    }

    @Test mutating func `a growing share passes for a second after the first success`() {
        breaker.trip(start, random: 0)
        breaker.succeeded(start)
        var admitted = [Int](repeating: 0, count: 4)
        for step in 0..<1_000 {
            let now = start + .milliseconds(Int64(step))
            if isAdmitted(breaker.admit(now)) { admitted[step / 250] += 1 }
        }
        // The share grows from a tenth to all: about 1/8, 3/8, 5/8 and 7/8 of 250.
        for (quarter, expected) in [35, 94, 156, 219].enumerated() {
            #expect(abs(admitted[quarter] - expected) <= 8, "quarter \(quarter): \(admitted[quarter])")
        }
        #expect(isAdmitted(breaker.admit(start + .seconds(1))))
        #expect(breaker.isClosed)
    }

    @Test mutating func `a failure during the ramp opens it at once`() {
        breaker.trip(start, random: 0)
        breaker.succeeded(start)
        breaker.failed(start + .milliseconds(500), random: 0)
        #expect(!isAdmitted(breaker.admit(start + .milliseconds(501))))
        #expect(breaker.wantsProbe(start + .milliseconds(750)) == true)
    }

    @Test mutating func `successes during the ramp do not restart it`() {
        breaker.trip(start, random: 0)
        breaker.succeeded(start)
        for step in 1..<10 { breaker.succeeded(start + .milliseconds(Int64(step) * 100)) }
        #expect(isAdmitted(breaker.admit(start + .seconds(1))))
        #expect(breaker.isClosed)
    }
}
