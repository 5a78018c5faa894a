import Glibc

/// A value behind a lock, with a way to wait for it to change.
///
/// POSIX directly, because `Synchronization.Mutex` has nothing to wait on and Foundation's condition waits
/// by the wall clock, which chaos tests step.
///
/// Unchecked: `state` is touched only while `mutex` is held.
final class Monitor<State>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: sending State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Looks at the value or changes it, and wakes everybody who waits.
    func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// What the value asks of somebody who waits for it.
    enum Wait<Result> {
        case done(Result)
        /// Ask again when the value has changed, or at this time if that is earlier.
        case again(at: ContinuousClock.Instant?)
    }

    /// Asks until the answer is `done`.
    func wait<Result>(for body: (inout State) -> Wait<Result>) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        while true {
            switch body(&state) {
            case .done(let result): return result
            case .again(nil): pthread_cond_wait(condition, mutex)
            case .again(let time?):
                var end = Self.monotonic(after: ContinuousClock.now.duration(to: time))
                pthread_cond_timedwait(condition, mutex, &end)
            }
        }
    }

    /// Waits until `condition` holds or `end` has come; returns whether it holds.
    func wait(until end: ContinuousClock.Instant, for condition: (State) -> Bool) -> Bool {
        wait { state in
            if condition(state) { return .done(true) }
            return .now >= end ? .done(false) : .again(at: end)
        }
    }

    private static func monotonic(after delay: Duration) -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = max(delay, .zero).components
        time.tv_sec += Int(seconds)
        time.tv_nsec += Int(attoseconds / 1_000_000_000)
        if time.tv_nsec >= 1_000_000_000 {
            time.tv_sec += 1
            time.tv_nsec -= 1_000_000_000
        }
        return time
    }
}
