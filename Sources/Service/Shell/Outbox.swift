import Synchronization
import Wire
import ZeroMQ

/// What handlers and the owner of a host hand to its I/O thread. The one place where threads of ours meet.
///
/// Bounded: one answer per call in hand, items within their credit, and a CREDIT per half window.
final class Outbox: Sendable {
    enum Command: Sendable {
        case answer(CallToken, Answer)
        case item(CallToken, Parcel)
        case credit(CallToken, UInt32)
        case serving(service: String, Bool)
    }

    enum Phase: Sendable {
        case open
        /// No new calls, and the end when those in hand are done.
        case draining
        case closed
    }

    private struct State {
        var commands: [Command] = []
        var phase = Phase.open
        var isJoined = false
        /// The I/O thread is, or is about to be, waiting: the next entry rings the bell.
        var isAsleep = false
        var joiners: [CheckedContinuation<Bool, Never>] = []
        var closers: [CheckedContinuation<Void, Never>] = []

        mutating func wake() -> Bool {
            defer { isAsleep = false }
            return isAsleep
        }
    }

    let bell = Doorbell()
    private let state = Mutex(State())

    // MARK: Any thread

    func push(_ command: Command) {
        let wasAsleep = state.withLock { state in
            guard state.phase != .closed else { return false }
            state.commands.append(command)
            return state.wake()
        }
        if wasAsleep { bell.ring() }
    }

    func drain() {
        let wasAsleep = state.withLock { state in
            if state.phase == .open { state.phase = .draining }
            return state.wake()
        }
        if wasAsleep { bell.ring() }
    }

    /// Resumes when the I/O thread has ended.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if state.phase != .closed { state.closers.append(continuation) }
                return state.phase == .closed
            }
            if isClosed { continuation.resume() }
        }
    }

    /// Resumes when a broker knows this host; false when the host has ended instead.
    func waitForBroker() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if state.phase == .closed { return false }
                if state.isJoined { return true }
                state.joiners.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    // MARK: The I/O thread

    /// Swaps the gathered commands for an empty array, whose memory is used again.
    func take(_ commands: inout [Command]) -> Phase {
        state.withLock { state in
            swap(&state.commands, &commands)
            state.isAsleep = commands.isEmpty
            return state.phase
        }
    }

    func joined() {
        let joiners = state.withLock { state in
            state.isJoined = true
            defer { state.joiners = [] }
            return state.joiners
        }
        for joiner in joiners { joiner.resume(returning: true) }
    }

    func closed() {
        let (joiners, closers) = state.withLock { state in
            state.phase = .closed
            state.commands = []
            defer {
                state.joiners = []
                state.closers = []
            }
            return (state.joiners, state.closers)
        }
        for joiner in joiners { joiner.resume(returning: false) }
        for closer in closers { closer.resume() }
    }
}
