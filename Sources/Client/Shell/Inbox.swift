import Synchronization
import Wire
import ZeroMQ

/// What the calling tasks hand to the I/O thread. The one place where threads of ours meet.
///
/// Bounded: a call is admitted only while fewer than `limit` are in flight, and cancelling adds at most two
/// small entries per call.
final class Inbox: Sendable {
    private struct State {
        var submissions: [Submission] = []
        var cancelled: [UInt64] = []
        /// Calls admitted and not yet ended.
        var inFlight = 0
        /// The I/O thread is, or is about to be, waiting: the next entry rings the bell.
        var isAsleep = false
        var phase = Phase.open
        var closers: [CheckedContinuation<Void, Never>] = []

        /// Returns whether somebody has to ring.
        mutating func wake() -> Bool {
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

    let bell = Bell()
    private let limit: Int
    private let state = Mutex(State())
    private let tickets = Atomic<UInt64>(0)

    init(limit: Int) { self.limit = limit }

    func nextTicket() -> UInt64 { tickets.wrappingAdd(1, ordering: .relaxed).newValue }

    // MARK: Calling tasks

    /// Takes a call in, or returns its ending.
    func submit(_ submission: Submission) -> Outcome? {
        let (refusal, wasAsleep): (Outcome?, Bool) = state.withLock { state in
            guard state.phase == .open else { return (.refused(.unavailable, .closing), false) }
            guard state.inFlight < limit else { return (.refused(.resourceExhausted, .tooMany), false) }
            state.inFlight += 1
            state.submissions.append(submission)
            return (nil, state.wake())
        }
        if wasAsleep { bell.ring() }
        return refusal
    }

    func cancel(_ ticket: UInt64) {
        let wasAsleep = state.withLock { state in
            guard state.phase == .open else { return false }
            state.cancelled.append(ticket)
            return state.wake()
        }
        if wasAsleep { bell.ring() }
    }

    func close(_ closer: CheckedContinuation<Void, Never>?) {
        let (isClosed, wasAsleep) = state.withLock { state in
            if state.phase == .closed { return (true, false) }
            state.phase = .closing
            if let closer { state.closers.append(closer) }
            return (false, state.wake())
        }
        if wasAsleep { bell.ring() }
        if isClosed { closer?.resume() }
    }

    // MARK: The I/O thread

    /// Swaps the gathered entries for empty arrays, whose memory is used again, and takes calls that have
    /// ended off the count. When there is nothing, the next entry rings the bell.
    func take(
        _ submissions: inout [Submission], _ cancelled: inout [UInt64], ended: Int
    ) -> Phase {
        state.withLock { state in
            state.inFlight -= ended
            swap(&state.submissions, &submissions)
            swap(&state.cancelled, &cancelled)
            state.isAsleep = submissions.isEmpty && cancelled.isEmpty && state.phase == .open
            return state.phase
        }
    }

    /// The I/O thread has ended every call.
    func closed() {
        let closers = state.withLock { state in
            state.phase = .closed
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}
