import Synchronization

/// Sends a traffic's requests at their times until it is stopped, whatever becomes of those before.
final class LoadRunner: Sendable {
    private let isStopped = Mutex(false)

    /// Calls that may be in flight together. More would measure the harness: beyond it arrivals are left out
    /// and the journal says how many.
    static let limit = 20_000

    func stop() { isStopped.withLock { $0 = true } }

    /// Returns when every call has ended.
    func run(_ traffic: Traffic, _ caller: Caller) async {
        let clock = ContinuousClock()
        let (begin, beginTime) = (clock.now, caller.journal.now)
        await withDiscardingTaskGroup { group in
            var traffic = traffic
            var left = 0
            while !isStopped.withLock({ $0 }), !Task.isCancelled {
                let arrival = traffic.next()
                try? await clock.sleep(
                    until: begin + .microseconds(arrival.time), tolerance: .microseconds(100))
                guard caller.inFlight < LoadRunner.limit else {
                    left += 1
                    continue
                }
                group.addTask {
                    await caller.perform(
                        arrival.request, intended: beginTime + arrival.time, isImpatient: arrival.isImpatient)
                }
            }
            caller.journal.write(caller.journal.record("load").adding("left_out", left))
        }
    }
}
