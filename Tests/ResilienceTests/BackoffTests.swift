import Resilience
import Testing
import Wire

@Suite struct BackoffTests {
    @Test func `the ceiling doubles with every failure up to the cap`() {
        var backoff = Backoff(base: .milliseconds(10), cap: .milliseconds(65))
        // Random numbers just below the ceiling show it: n modulo (ceiling + 1) is n.
        for ceiling: Int64 in [10, 20, 40, 65, 65, 65] {
            let most = UInt64(ceiling * 1_000_000)
            #expect(backoff.next(random: most) == .milliseconds(ceiling))
        }
    }

    @Test func `a delay lies anywhere between zero and the ceiling`() {
        var backoff = Backoff(base: .milliseconds(10), cap: .milliseconds(10))
        #expect(backoff.next(random: 0) == .zero)
        #expect(backoff.next(random: 5_000_000) == .milliseconds(5))
        #expect(backoff.next(random: 10_000_001) == .zero)
        #expect(backoff.next(random: .max) <= .milliseconds(10))
    }

    @Test func `a success begins anew`() {
        var backoff = Backoff(base: .milliseconds(10), cap: .seconds(1))
        for _ in 0..<5 { _ = backoff.next(random: 1) }
        backoff.reset()
        #expect(backoff.next(random: 10_000_000) == .milliseconds(10))
        #expect(backoff.next(random: 20_000_000) == .milliseconds(20))
    }

    @Test func `thousands of failures do not overflow`() {
        var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
        for _ in 0..<5_000 { #expect(backoff.next(random: .max) <= .seconds(60)) }
    }

    @Test func `a cap below the base is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            _ = Backoff(base: .seconds(2), cap: .seconds(1))
        }
    }
}
