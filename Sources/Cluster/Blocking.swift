import Glibc
import Synchronization

/// Runs work that blocks on a thread of its own, so that Swift's pool keeps its threads.
package enum Blocking {
    /// Set when the task that waits for blocking work is cancelled. The work asks now and then.
    package final class Cancellation: Sendable {
        private let flag = Atomic(false)
        package init() {}
        package var isCancelled: Bool { flag.load(ordering: .relaxed) }
        package func cancel() { flag.store(true, ordering: .relaxed) }
    }

    package static func run<Value: Sendable>(_ body: @escaping @Sendable (Cancellation) -> Value) async
        -> Value
    {
        let cancellation = Cancellation()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                thread { continuation.resume(returning: body(cancellation)) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread that nobody joins. A machine without room for one more thread ends the program.
    package static func thread(_ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 512 * 1024)
        // Retained here, taken as the first thing on the new thread.
        let work = Unmanaged.passRetained(Work(body)).toOpaque()
        var id = pthread_t()
        let failure = pthread_create(
            &id, &attributes,
            { work in
                Unmanaged<Work>.fromOpaque(work!).takeRetainedValue().body()
                return nil
            }, work)
        precondition(failure == 0, "pthread_create failed with errno \(failure)")
    }
}
