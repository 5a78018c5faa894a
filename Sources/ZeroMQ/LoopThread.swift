import CLinux
import Glibc

/// A thread of its own for an event loop: loops must not block the threads that Swift's tasks share.
public enum LoopThread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread, which takes no signals: they belong to the process around it.
    public static func start(_ body: @escaping @Sendable () -> Void) {
        // Retained here, taken by the thread.
        let box = Unmanaged.passRetained(Box(body)).toOpaque()
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { box in
                guard let box else { return nil }
                let taken = Unmanaged<Box>.fromOpaque(box).takeRetainedValue()
                LoopThread.leaveSignalsToOthers()
                taken.body()
                return nil
            }, box)
        precondition(code == 0, "pthread_create failed (\(code)); raise the limit of threads")
        pthread_detach(thread)
    }

    private static func leaveSignalsToOthers() {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
    }
}
