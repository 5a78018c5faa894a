import Glibc
import Synchronization
import Wire

/// Tells threads to end, and wakes those that sleep. Any thread may use it.
public final class StopFlag: Sendable {
    private let raised = Atomic(false)

    public init() {}

    public var isRaised: Bool { raised.load(ordering: .acquiring) }

    public func raise() { raised.store(true, ordering: .releasing) }

    /// Sleeps for so long, or until the flag is raised, which is noticed within 20 ms.
    func sleep(_ time: TimeAmount) {
        var left = time
        while left > .zero, !isRaised {
            let step = min(left, .milliseconds(20))
            usleep(UInt32(max(1, step.microseconds)))
            left = left - step
        }
    }
}
