import Dispatch
import Glibc
import Synchronization

/// Ctrl-C and SIGTERM as an event, for commands that have something to stop first. A second signal ends the
/// process at once; its children end with it, because the kernel signals them.
final class Interrupts: Sendable {
    private struct State {
        var isRaised = false
        var nextID = 0
        var handlers: [Int: @Sendable () -> Void] = [:]
    }

    private static let signals = [SIGINT, SIGTERM, SIGHUP]
    private let state = Mutex(State())
    // DispatchSource is thread-safe by its documentation; the array is never changed.
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

    /// Catches the signals from now on, for the rest of the process's life.
    init() {
        let queue = DispatchQueue(label: "stampede.interrupts")
        sources = Interrupts.signals.map { number in
            // Otherwise the default would end us before the source is asked.
            signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        for (source, number) in zip(sources, Interrupts.signals) {
            source.setEventHandler { [unowned self] in raise(number) }
            source.resume()
        }
    }

    var isRaised: Bool { state.withLock { $0.isRaised } }

    private func raise(_ number: Int32) {
        let handlers = state.withLock { state in
            if state.isRaised { _exit(128 + number) }
            state.isRaised = true
            return state.handlers.values
        }
        for handler in handlers { handler() }
    }

    /// Waits for the signal.
    func wait() async {
        await withCheckedContinuation { continuation in _ = watch { continuation.resume() } }
    }

    /// Runs the body as a task that the signal cancels.
    func cancelling<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let task = Task { try await body() }
        let id = watch { task.cancel() }
        defer { state.withLock { $0.handlers[id] = nil } }
        return try await task.value
    }

    /// Calls the handler at the signal; now, when it has come already.
    private func watch(_ handler: @escaping @Sendable () -> Void) -> Int {
        let (id, isRaised) = state.withLock { state in
            state.nextID += 1
            if !state.isRaised { state.handlers[state.nextID] = handler }
            return (state.nextID, state.isRaised)
        }
        if isRaised { handler() }
        return id
    }
}
