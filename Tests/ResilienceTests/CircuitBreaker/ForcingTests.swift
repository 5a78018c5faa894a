import Resilience
import Testing
import Wire

/// What operators may force.
@Suite struct ForcingTests {
    private let trial = Trial()

    @Test func `forced open it refuses until somebody lifts it, and is probed first`() {
        trial.breaker.force(.open, by: "ada", for: .seconds(60), trial.now)
        #expect(trial.breaker.admit(trial.now) == .refused(retryAfter: .seconds(30)))
        #expect(trial.breaker.admitProbe(trial.now) == nil)
        trial.breaker.lift(by: "ada", trial.now)
        #expect(trial.breaker.stateName == .halfOpen)
        #expect(
            trial.breaker.takeEvents().map(\.change) == [
                .forced(.open, by: "ada", until: trial.now + .seconds(60)), .lifted(.open, by: "ada"),
            ])
    }

    @Test func `nobody has to remember to lift it`() {
        trial.breaker.force(.open, by: "ada", for: .seconds(60), trial.now)
        trial.wait(.seconds(60))
        #expect(trial.call(.success))
        #expect(trial.breaker.forcedState == nil)
    }

    @Test func `forced closed it lets everything pass and counts`() {
        trial.breaker.force(.closed, by: "ada", for: .seconds(60), trial.now)
        trial.calls(100, .unreachable)
        trial.breaker.trip(trial.now)
        #expect(trial.call(.failure))
        #expect(trial.breaker.counts.failed == 101)
        trial.breaker.lift(by: "ada", trial.now)
        #expect(trial.breaker.isClosed)
        #expect(trial.breaker.counts.failed == 0)
    }

    @Test func `forced closed it lets an open breaker's calls pass`() {
        trial.breaker.trip(trial.now)
        trial.breaker.force(.closed, by: "ada", for: .seconds(60), trial.now)
        #expect(trial.call(.success))
        #expect(trial.breaker.letsPass && trial.breaker.retryAfter(trial.now) == .zero)
    }

    @Test func `disabled it counts nothing`() {
        trial.breaker.force(.disabled, by: "ada", for: .seconds(60), trial.now)
        trial.calls(100, .failure)
        #expect(trial.breaker.counts == CircuitBreaker.Counts())
        #expect(trial.breaker.inFlight == 0)
    }

    @Test func `a configuration on trial reports what it would do and refuses nothing`() {
        trial.breaker.force(.metricsOnly, by: "ada", for: .seconds(600), trial.now)
        trial.calls(20, .failure)
        #expect(trial.lastOpening()?.reason == .failureRate)
        #expect(trial.call(.success))
        trial.wait(.seconds(30))
        trial.calls(100, .success)
        #expect(trial.breaker.takeEvents().map(\.change) == [.halfOpened, .recovering])
        trial.wait(.seconds(5))
        trial.calls(100, .success)
        #expect(trial.breaker.isClosed)
    }
}
