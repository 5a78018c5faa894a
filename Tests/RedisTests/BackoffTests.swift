import Testing
import Wire

@testable import Redis

@Suite struct `Back-off` {
    @Test func `the ceiling doubles from 50 ms to 2 s and starts anew after a success`() {
        var backoff = Backoff()
        // The largest draw below a ceiling gives the ceiling itself.
        func largest() -> Int64 {
            var probe = backoff
            var best = TimeAmount.zero
            for ceiling: Int64 in [50, 100, 200, 400, 800, 1_600, 2_000] {
                probe = backoff
                best = max(best, probe.next(random: UInt64(ceiling * 1_000_000 - 1)))
            }
            _ = backoff.next(random: 0)
            return best.milliseconds
        }
        #expect((0..<8).map { _ in largest() } == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
        backoff.reset()
        #expect(largest() == 50)
    }

    @Test func `an unlucky draw is not a busy loop`() {
        var backoff = Backoff()
        #expect(backoff.next(random: 0) == Backoff.shortest)
    }
}
