import Resilience
import Testing
import Wire

/// What opens a breaker, and what does not.
@Suite struct OpeningTests {
    private let trial = Trial()

    @Test func `too few calls are no rate`() {
        trial.calls(19, .failure)
        #expect(trial.breaker.isClosed)
        trial.call(.failure)
        #expect(trial.lastOpening()?.reason == .failureRate)
        #expect(!trial.call(.success))
    }

    @Test(arguments: [(11, true), (14, true), (15, false), (20, false)])
    func `only what is surely over half opens`(failures: Int, staysClosed: Bool) {
        trial.calls(20 - failures, .success)
        trial.calls(failures, .failure)
        #expect(trial.breaker.isClosed == staysClosed)
    }

    @Test func `slow successes open like failures do`() {
        for _ in 0..<10 { trial.call(.success, taking: .seconds(1)) }
        trial.wait(.seconds(20))
        for _ in 0..<19 { trial.call(.success, taking: .milliseconds(1_001)) }
        trial.wait(.seconds(20))
        #expect(trial.breaker.isClosed, "one at a time they are too few for the window")
        for _ in 0..<20 {
            let permit = trial.admit()!
            trial.breaker.record(permit, .success, trial.now + .seconds(2))
        }
        #expect(trial.lastOpening()?.reason == .slowRate)
    }

    @Test func `five calls in a row that reach nobody are enough`() {
        trial.calls(4, .unreachable)
        trial.call(.success)
        trial.calls(4, .unreachable)
        #expect(trial.breaker.isClosed)
        trial.call(.unreachable)
        #expect(trial.lastOpening()?.reason == .unreachable)
    }

    @Test func `cancelled calls count for nothing`() {
        trial.calls(1_000, .ignored)
        #expect(trial.breaker.isClosed)
        #expect(trial.breaker.counts.judged == 0)
        #expect(trial.breaker.counts.ignored == 1_000)
        #expect(trial.breaker.inFlight == 0)
    }

    @Test func `failures leave the window after ten seconds`() {
        trial.calls(19, .failure)
        trial.wait(.seconds(9))
        trial.breaker.tick(trial.now)
        #expect(trial.breaker.counts.failed == 19)
        trial.wait(.seconds(1))
        trial.call(.failure)
        #expect(trial.breaker.isClosed)
        #expect(trial.breaker.counts.failed == 1)
    }

    @Test func `the window moves through any pause`() {
        for pause in [1, 9, 10, 11, 100, 100_000] as [Int64] {
            trial.calls(19, .failure)
            trial.wait(.seconds(pause))
            trial.calls(15, .success)
            #expect(trial.breaker.counts.succeeded == 15)
            trial.wait(.seconds(60))
            trial.breaker.tick(trial.now)
            #expect(trial.breaker.counts == CircuitBreaker.Counts())
        }
    }

    @Test func `calls that hang open it before any of them returns`() {
        for _ in 0..<4 { _ = trial.admit() }
        trial.wait(.milliseconds(2_000))
        trial.breaker.tick(trial.now)
        #expect(trial.breaker.isClosed, "the bucket in which they began is not all over two seconds ago")
        trial.wait(.milliseconds(1_000))
        trial.breaker.tick(trial.now)
        #expect(trial.lastOpening()?.reason == .overdue)
    }

    @Test func `half of the calls may hang`() {
        for _ in 0..<4 { _ = trial.admit() }
        var others = (0..<4).map { _ in trial.admit()! }
        for _ in 0..<8 {
            trial.wait(.seconds(1))
            let next = (0..<4).map { _ in trial.admit()! }
            for permit in others { trial.breaker.record(permit, .success, trial.now) }
            others = next
        }
        #expect(trial.breaker.isClosed)
        trial.breaker.record(others[0], .success, trial.now)
        trial.wait(.seconds(1))
        trial.breaker.tick(trial.now)
        #expect(trial.lastOpening()?.reason == .overdue, "four of seven are more than half")
    }

    @Test func `calls older than the window are still overdue`() {
        let trial = Trial { $0.overdue = nil }
        for _ in 0..<3 { _ = trial.admit() }
        trial.wait(.seconds(60))
        trial.breaker.tick(trial.now)
        #expect(trial.breaker.isClosed)
        #expect(trial.breaker.inFlight == 3)
    }

    @Test func `whoever knows that the connection is gone need not count`() {
        trial.breaker.trip(trial.now)
        #expect(trial.lastOpening()?.reason == .tripped)
        let before = trial.breaker.counts
        trial.breaker.trip(trial.now)
        #expect(trial.breaker.takeEvents().isEmpty)
        #expect(!trial.call(.success))
        #expect(trial.breaker.counts.rejected == before.rejected + 1)
    }

    @Test func `events of nobody's interest give way to newer ones`() {
        for _ in 0..<20 {
            trial.breaker.trip(trial.now)
            trial.wait(.seconds(30))
            trial.breaker.tick(trial.now)
        }
        let events = trial.breaker.takeEvents()
        #expect(events.count == 16)
        #expect(events.last?.change == .halfOpened)
    }

    @Test(arguments: senseless.indices)
    func `a configuration without sense is our own mistake`(which: Int) async {
        await #expect(processExitsWith: .failure) { [which] in
            _ = Trial(senseless[which])
        }
    }
}

private let senseless: [@Sendable (inout CircuitBreaker.Configuration) -> Void] = [
    { $0.window = .milliseconds(9) }, { $0.minimumVolume = 0 }, { $0.failureRate = 1 },
    { $0.overdue = .seconds(10) }, { $0.probes = 9 }, { $0.goodProbes = 6 },
    { $0.longestOpenTime = .milliseconds(1) },
]
