import Resilience
import Wire

/// A breaker, its time, and short words for what happens to it.
final class Trial {
    var breaker: CircuitBreaker
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)

    init(_ configure: (inout CircuitBreaker.Configuration) -> Void = { _ in }) {
        var configuration = CircuitBreaker.Configuration()
        configure(&configuration)
        breaker = CircuitBreaker(configuration, seed: 7)
    }

    /// What would have happened otherwise.
    init(as other: Trial) { (breaker, now) = (other.breaker, other.now) }

    func wait(_ amount: TimeAmount) { now = now + amount }

    func admit() -> CircuitBreaker.Permit? {
        if case .admitted(let permit) = breaker.admit(now) { return permit }
        return nil
    }

    /// A call that takes a while; false if it was refused.
    @discardableResult func call(_ outcome: CircuitBreaker.Outcome, taking time: TimeAmount = .zero) -> Bool {
        guard let permit = admit() else { return false }
        wait(time)
        breaker.record(permit, outcome, now)
        return true
    }

    func calls(_ count: Int, _ outcome: CircuitBreaker.Outcome) {
        for _ in 0..<count { call(outcome) }
    }

    /// Opens the breaker and waits until probes are due.
    func becomeHalfOpen() {
        breaker.trip(now)
        wait(breaker.configuration.longestOpenTime)
        breaker.tick(now)
    }

    func becomeRecovering() {
        becomeHalfOpen()
        calls(breaker.configuration.goodProbes, .success)
    }

    /// Why and for how long it opened last.
    func lastOpening() -> (reason: CircuitBreaker.Event.Reason, time: TimeAmount)? {
        for event in breaker.takeEvents().reversed() {
            if case .opened(let reason, let time, _) = event.change { return (reason, time) }
        }
        return nil
    }
}
