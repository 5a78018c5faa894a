import Synchronization

/// Runs tasks on the client's I/O thread, between its turns: a call made there changes no thread.
final class LoopExecutor: TaskExecutor {
    private let inbox: Inbox
    // Jobs that the I/O thread made for itself, and their memory's other half. Touched by that thread alone,
    // which `isOnThread` checks.
    nonisolated(unsafe) private var own: [UnownedJob] = []
    nonisolated(unsafe) private var running: [UnownedJob] = []

    init(inbox: Inbox) { self.inbox = inbox }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if inbox.isOnThread {
            unsafe own.append(job)
        } else if !inbox.post(job) {
            // The client was closed; its tasks go on where all others run.
            globalConcurrentExecutor.enqueue(job)
        }
    }

    // MARK: The I/O thread

    var hasOwnJobs: Bool { unsafe !own.isEmpty }

    func runOwnJobs() {
        guard unsafe !own.isEmpty else { return }
        unsafe swap(&own, &running)
        run(unsafe running)
        unsafe running.removeAll(keepingCapacity: true)
    }

    func run(_ jobs: [UnownedJob]) {
        for job in jobs { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// The thread ends: what is left runs elsewhere.
    func end(_ jobs: [UnownedJob]) {
        for job in unsafe own + jobs { globalConcurrentExecutor.enqueue(job) }
        unsafe own = []
    }
}
