import Synchronization
import Wire
import ZeroMQ

/// What a crowd has done so far, for the progress line.
final class Gauge: Sendable {
    let ended = Atomic(0)
    let sold = Atomic(0)
    /// The next visitor that no task has taken.
    private let next = Atomic(0)
    private let isHalfTimeOver = Atomic(false)
    private let began = MonotonicTime.now()

    /// Takes the next visitor's index.
    func takeNext() -> Int { next.add(1, ordering: .relaxed).oldValue }

    /// True for the one task that saw half of the units sold first.
    func isHalfTime(of units: Int) -> Bool {
        sold.load(ordering: .relaxed) * 2 >= units && !isHalfTimeOver.exchange(true, ordering: .relaxed)
    }

    /// Shows the progress until the task is cancelled: often on a terminal, else every second.
    func show(_ text: @escaping @Sendable (_ ended: Int, _ sold: Int, _ perSecond: Int) -> String) -> Task<
        Void, Never
    > {
        Task {
            let pause = Duration.milliseconds(Terminal.isErrorTTY ? 100 : 1_000)
            while true {
                guard (try? await Task.sleep(for: pause)) != nil else { return Terminal.endProgress() }
                let ended = ended.load(ordering: .relaxed)
                let elapsed = (MonotonicTime.now() - began).nanoseconds
                let rate = Int(Double(ended) / (Double(elapsed) / 1e9))
                Terminal.progress(text(ended, sold.load(ordering: .relaxed), rate))
            }
        }
    }
}
