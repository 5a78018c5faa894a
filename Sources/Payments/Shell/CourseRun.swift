import Sales
import Synchronization
import Wire
import ZeroMQ

/// One course on its way, with those who wait for its end.
final class CourseRun: Sendable {
    /// Who asked and with what; nil when it was found open.
    let asked: Asked?

    struct Asked: Hashable, Sendable {
        let buyer: BuyerID
        let token: String
    }

    /// What several callers share, or may not.
    struct Key: Hashable, Sendable {
        let order: OrderID
        let attempt: RequestKey
        /// Another buyer's request is another course, which the owner will refuse.
        let buyer: BuyerID?
    }

    private struct State {
        var ending: PaymentCourse.Ending?
        var isOver = false
        var waiters: [Int: CheckedContinuation<PaymentCourse.Ending?, Never>] = [:]
        var nextWaiter = 0
        var sleeper: Task<Void, Never>?
        /// Something happened while it was not asleep.
        var isNudged = false
    }

    private let state = Mutex(State())

    init(asked: Asked?) { self.asked = asked }

    /// Waits for the end of the course, until then or until the task is cancelled; nil when it is not known yet.
    func ending(until deadline: MonotonicTime) async -> PaymentCourse.Ending? {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let alarm = Task { [self] in
            try? await Task.sleep(for: .nanoseconds(max(0, (deadline - .now()).nanoseconds)))
            leave(number)
        }
        defer { alarm.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: PaymentCourse.Ending?? = state.withLock { state in
                    if state.isOver || Task.isCancelled { return .some(state.ending) }
                    state.waiters[number] = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            leave(number)
        }
    }

    private func leave(_ number: Int) {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
    }

    /// The course is over; nil when it was given up before its end.
    func end(_ ending: PaymentCourse.Ending?) {
        let waiters = state.withLock { state in
            (state.ending, state.isOver) = (ending, true)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: ending) }
    }

    // MARK: Sleeping

    /// Sleeps, but for a nudge or the end of the task.
    func sleep(_ time: TimeAmount) async {
        let sleeper: Task<Void, Never>? = state.withLock { state in
            guard !state.isNudged else {
                state.isNudged = false
                return nil
            }
            let task = Task<Void, Never> { try? await Task.sleep(for: .nanoseconds(time.nanoseconds)) }
            state.sleeper = task
            return task
        }
        guard let sleeper else { return }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.withLock { $0.sleeper = nil }
    }

    /// Something has happened that is worth a look.
    func nudge() {
        let sleeper = state.withLock { state in
            state.isNudged = state.sleeper == nil
            return state.sleeper
        }
        sleeper?.cancel()
    }
}
