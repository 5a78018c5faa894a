import Glibc
import Synchronization
import Wire
import ZeroMQ

/// What the calling tasks hand to the I/O thread. The one place where threads of ours meet.
///
/// Bounded: a call is admitted only while fewer than `limit` are in flight, cancelling adds at most two small
/// entries per call, and a stream adds no more than its credit.
final class Inbox: Sendable {
    /// A word about a call that was admitted.
    enum Note: Sendable {
        case cancel(CallID)
        /// An item of the caller's, for which it had credit.
        case item(CallID, StreamPipe.Item)
        /// The reader has taken so many items.
        case took(CallID, UInt32)
    }

    /// What has gathered. The I/O thread swaps it for an empty one, whose memory is used again.
    struct Entries {
        var submissions: [(seat: CallID, submission: Submission)] = []
        var notes: [Note] = []
        var jobs: [UnownedJob] = []
        /// Some came from other threads.
        var areForeign = false

        var isEmpty: Bool { submissions.isEmpty && notes.isEmpty && jobs.isEmpty }

        mutating func removeAll() {
            areForeign = false
            submissions.removeAll(keepingCapacity: true)
            notes.removeAll(keepingCapacity: true)
            jobs.removeAll(keepingCapacity: true)
        }
    }

    private struct State {
        var entries = Entries()
        /// Of the calls that were admitted and have not ended.
        var seats: Seats
        /// The I/O thread is, or is about to be, waiting: the next entry rings the bell.
        var isAsleep = false
        var phase = Phase.open
        var closers: [CheckedContinuation<Void, Never>] = []

        /// Returns whether somebody has to ring. What the I/O thread tells itself it takes before it waits.
        mutating func wake(isForeign: Bool) -> Bool {
            guard isForeign else { return false }
            entries.areForeign = true
            defer { isAsleep = false }
            return isAsleep
        }
    }

    enum Phase: Sendable {
        case open
        /// No more calls are admitted.
        case closing
        /// The I/O thread has ended every call.
        case closed
    }

    /// What became of a submission.
    enum Admission: Sendable {
        case seated(CallID)
        case refused(Outcome)
    }

    let bell = Doorbell()
    /// The I/O thread, while it runs; zero before and after.
    private let thread = Atomic<UInt>(0)
    private let state: Mutex<State>

    init(limit: Int) { state = Mutex(State(seats: Seats(limit: limit))) }

    var isOnThread: Bool { thread.load(ordering: .relaxed) == pthread_self() }

    // MARK: Calling tasks

    /// Takes a call in, or returns its ending.
    func submit(_ submission: consuming Submission) -> Admission {
        let isForeign = !isOnThread
        let (admission, mustRing): (Admission, Bool) = state.withLock { state in
            guard state.phase == .open else { return (.refused(.refused(.unavailable, .closing)), false) }
            guard let seat = state.seats.take() else {
                return (.refused(.refused(.resourceExhausted, .tooMany)), false)
            }
            state.entries.submissions.append((seat, submission))
            return (.seated(seat), state.wake(isForeign: isForeign))
        }
        if mustRing { bell.ring() }
        return admission
    }

    func post(_ note: Note) {
        let isForeign = !isOnThread
        let mustRing = state.withLock { state in
            guard state.phase == .open else { return false }
            state.entries.notes.append(note)
            return state.wake(isForeign: isForeign)
        }
        if mustRing { bell.ring() }
    }

    /// Takes a job for the I/O thread. False when that has ended.
    func post(_ job: UnownedJob) -> Bool {
        let isForeign = !isOnThread
        let (isTaken, mustRing) = state.withLock { state in
            guard state.phase != .closed else { return (false, false) }
            state.entries.jobs.append(job)
            return (true, state.wake(isForeign: isForeign))
        }
        if mustRing { bell.ring() }
        return isTaken
    }

    func close(_ closer: CheckedContinuation<Void, Never>?) {
        let isForeign = !isOnThread
        let (isClosed, mustRing) = state.withLock { state in
            if state.phase == .closed { return (true, false) }
            state.phase = .closing
            if let closer { state.closers.append(closer) }
            return (false, state.wake(isForeign: isForeign))
        }
        if mustRing { bell.ring() }
        if isClosed { closer?.resume() }
    }

    // MARK: The I/O thread

    /// The calling thread is the I/O thread.
    func begin() { thread.store(pthread_self(), ordering: .relaxed) }

    /// Swaps the gathered entries for the given ones, which are empty, and takes back the seats of calls that
    /// have ended. When there is nothing, the next entry rings the bell.
    func take(_ entries: inout Entries, ended: [Int32]) -> Phase {
        state.withLock { state in
            if !ended.isEmpty { state.seats.give(back: ended) }
            swap(&state.entries, &entries)
            state.isAsleep = entries.isEmpty && state.phase == .open
            return state.phase
        }
    }

    /// The I/O thread has ended every call. Returns the jobs that it is not going to run.
    func closed() -> [UnownedJob] {
        thread.store(0, ordering: .relaxed)
        let (closers, jobs) = state.withLock { state in
            state.phase = .closed
            defer {
                state.closers = []
                state.entries.jobs = []
            }
            return (state.closers, state.entries.jobs)
        }
        for closer in closers { closer.resume() }
        return jobs
    }
}
