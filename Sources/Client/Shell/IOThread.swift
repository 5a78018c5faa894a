import Glibc

/// A thread of its own for an event loop: loops must not block the threads that Swift's tasks share.
enum IOThread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        // Retained here, taken by the thread.
        let box = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { box in
                guard let box = unsafe box else { return nil }
                let taken = unsafe Unmanaged<Box>.fromOpaque(box).takeRetainedValue()
                IOThread.leaveSignalsToOthers()
                taken.body()
                return nil
            }, box)
        precondition(code == 0, "pthread_create failed (\(code)); raise the limit of threads")
        pthread_detach(thread)
    }

    /// Signals belong to the process that uses the client; they must not interrupt this thread's calls.
    private static func leaveSignalsToOthers() {
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
    }
}
