import Resilience
import Testing
import Wire

/// How a breaker that is open finds its way back.
@Suite struct ClosingTests {
    private let trial = Trial()

    // MARK: Open

    @Test func `the open time doubles, jittered by half, up to its ceiling`() {
        for longest in [1, 2, 4, 8, 16, 30, 30, 30] as [Int64] {
            trial.breaker.trip(trial.now)
            let time = trial.lastOpening()!.time
            #expect(time >= .seconds(longest) / 2 && time <= .seconds(longest))
            trial.wait(time)
            trial.breaker.tick(trial.now)
            #expect(trial.breaker.stateName == .halfOpen)
        }
    }

    @Test func `after a healthy minute the open time is short again`() {
        for _ in 0..<5 {
            trial.breaker.trip(trial.now)
            trial.wait(.seconds(30))
            trial.breaker.tick(trial.now)
        }
        trial.becomeRecovering()
        trial.wait(.seconds(5))
        trial.breaker.tick(trial.now)
        trial.wait(.seconds(59))
        let early = Trial(as: trial)
        early.breaker.trip(early.now)
        #expect(early.lastOpening()!.time > .seconds(10))
        trial.wait(.seconds(1))
        trial.breaker.trip(trial.now)
        #expect(trial.lastOpening()!.time <= .seconds(1))
    }

    @Test func `a refusal says when the next probe is due`() {
        trial.breaker.trip(trial.now)
        let time = trial.lastOpening()!.time
        trial.wait(time / 2)
        #expect(trial.breaker.admit(trial.now) == .refused(retryAfter: time - time / 2))
        trial.wait(time - time / 2 - .nanoseconds(1))
        #expect(trial.breaker.refusal(trial.now) == .milliseconds(100), "never less than a tenth")
    }

    // MARK: Half-open

    @Test func `three of five probes must succeed, three at a time`() {
        trial.becomeHalfOpen()
        let probes = (0..<3).map { _ in trial.admit()! }
        #expect(trial.admit() == nil)
        trial.breaker.record(probes[0], .failure, trial.now)
        trial.breaker.record(probes[1], .failure, trial.now)
        trial.breaker.record(probes[2], .success, trial.now)
        #expect(trial.breaker.stateName == .halfOpen)
        trial.calls(2, .success)
        #expect(trial.breaker.stateName == .recovering)
    }

    @Test func `three of five failures open it again`() {
        trial.becomeHalfOpen()
        trial.calls(2, .success)
        trial.calls(2, .failure)
        #expect(trial.breaker.stateName == .halfOpen)
        trial.call(.unreachable)
        #expect(trial.lastOpening()?.reason == .probesFailed)
    }

    @Test func `a probe whose result never comes has failed`() {
        trial.becomeHalfOpen()
        let probes = (0..<3).map { _ in trial.admit()! }
        trial.wait(.milliseconds(999))
        #expect(trial.admit() == nil)
        trial.wait(.milliseconds(1))
        trial.breaker.tick(trial.now)
        #expect(trial.lastOpening()?.reason == .probesFailed)
        trial.breaker.record(probes[0], .success, trial.now)
        #expect(trial.breaker.stateName == .open, "what comes later is no news")
    }

    @Test func `a cancelled probe is given to another call`() {
        trial.becomeHalfOpen()
        for _ in 0..<50 { #expect(trial.call(.ignored)) }
        #expect(trial.breaker.stateName == .halfOpen)
        trial.calls(3, .success)
        #expect(trial.breaker.stateName == .recovering)
    }

    @Test func `a lease is judged once`() {
        trial.becomeHalfOpen()
        let probe = trial.admit()!
        for _ in 0..<5 { trial.breaker.record(probe, .success, trial.now) }
        #expect(trial.breaker.stateName == .halfOpen)
    }

    @Test func `where something harmless can be asked no call is a probe`() {
        let trial = Trial { $0.probesWithCalls = false }
        #expect(trial.breaker.admitProbe(trial.now) == nil, "nothing to find out")
        trial.becomeHalfOpen()
        #expect(!trial.call(.success))
        for _ in 0..<3 {
            let probe = trial.breaker.admitProbe(trial.now)!
            trial.breaker.record(probe, .success, trial.now)
        }
        #expect(trial.breaker.stateName == .recovering)
    }

    // MARK: Recovering

    @Test func `a growing share passes`() {
        trial.becomeRecovering()
        var passed = [0, 0, 0, 0, 0]
        for step in 0..<5_000 {
            if trial.call(.success) { passed[step / 1_000] += 1 }
            trial.wait(.milliseconds(1))
        }
        for (found, expected) in zip(passed, [120, 300, 500, 700, 900]) {
            #expect(abs(found - expected) <= 10)
        }
        #expect(trial.call(.success))
        #expect(trial.breaker.isClosed)
        let changes = trial.breaker.takeEvents().map(\.change)
        #expect(changes.suffix(3) == [.halfOpened, .recovering, .closed])
    }

    @Test func `four failures in a row on the ramp are a relapse`() {
        trial.becomeRecovering()
        trial.wait(.milliseconds(4_900))
        trial.calls(3, .failure)
        #expect(trial.breaker.stateName == .recovering)
        trial.calls(2, .failure)
        #expect(trial.lastOpening()?.reason == .failureRate)
    }

    @Test func `one call on the ramp that reaches nobody is a relapse`() {
        trial.becomeRecovering()
        trial.wait(.milliseconds(4_900))
        trial.calls(2, .unreachable)
        #expect(trial.lastOpening()?.reason == .unreachable)
    }

    // MARK: Late results

    @Test func `the result of an earlier state changes nothing`() {
        let old = (0..<30).map { _ in trial.admit()! }
        trial.becomeHalfOpen()
        for permit in old[..<10] { trial.breaker.record(permit, .failure, trial.now) }
        #expect(trial.breaker.stateName == .halfOpen)
        trial.calls(3, .success)
        for permit in old[10...] { trial.breaker.record(permit, .unreachable, trial.now) }
        #expect(trial.breaker.stateName == .recovering)
        #expect(trial.breaker.inFlight == 0)
    }

    @Test func `what a gathered call carries has passed before`() {
        #expect(trial.breaker.refusal(trial.now) == nil)
        let permit = trial.breaker.begin(trial.now)
        #expect(trial.breaker.inFlight == 1)
        trial.breaker.record(permit, .success, trial.now)
        #expect(trial.breaker.counts.succeeded == 1)
        trial.breaker.trip(trial.now)
        #expect(trial.breaker.refusal(trial.now) != nil)
        let late = trial.breaker.begin(trial.now)
        trial.breaker.record(late, .success, trial.now)
        #expect(trial.breaker.stateName == .open)
    }
}
