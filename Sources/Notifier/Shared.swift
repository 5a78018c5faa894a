import Dispatch
import Glibc
import Notifications
import Synchronization
import Wire
import ZeroMQ

/// What the threads of a notifier have in common.
final class Shared: Sendable {
    private struct State {
        var isStopping = false
        var isFull = false
    }

    private let state = Mutex(State())
    private let running = DispatchGroup()
    private let news: [Channel: DispatchSemaphore]

    init(channels: Set<Channel>) {
        news = Dictionary(uniqueKeysWithValues: channels.map { ($0, DispatchSemaphore(value: 0)) })
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    /// More messages are due than may be.
    var isFull: Bool {
        get { state.withLock { $0.isFull } }
        set { state.withLock { $0.isFull = newValue } }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        for bell in news.values { for _ in 0..<64 { bell.signal() } }
    }

    /// There may be something to send.
    func ring() { for bell in news.values { bell.signal() } }

    /// Waits until it rings, at most so long.
    func waitForNews(_ channel: Channel, atMost limit: TimeAmount) {
        _ = news[channel]?.wait(timeout: .now() + .nanoseconds(Int(limit.nanoseconds)))
    }

    /// Sleeps in short pieces, so that a stop is noticed.
    func sleep(_ time: TimeAmount) {
        let end = MonotonicTime.now() + time
        while !isStopping {
            let left = end - .now()
            if left <= .zero { return }
            usleep(UInt32(min(left, .milliseconds(50)).microseconds) + 1)
        }
    }

    /// Runs work that blocks on a thread of its own.
    func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        running.enter()
        LoopThread.start { [running] in
            body()
            running.leave()
        }
    }

    func waitForAll() async {
        await withCheckedContinuation { continuation in
            running.notify(queue: .global()) { continuation.resume() }
        }
    }
}
