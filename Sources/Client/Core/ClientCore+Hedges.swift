import Resilience
import Wire

extension ClientCore {
    /// When a second attempt of a new call begins, and whether the call's own latency is to be learned.
    func hedging(_ request: Request) -> (delay: TimeAmount?, isMeasured: Bool) {
        // Without a second broker or a second attempt there is nothing to hedge with.
        guard let delay = request.hedge.delay, request.isRepeatable, request.stream == nil, request.pin < 0,
            sessions.count > 1, request.maximumAttempts > 1
        else { return (nil, false) }
        guard request.hedge.percent > 0 else { return (delay, false) }
        let usual = latencies.percentile(Int(request.hedge.percent), of: request.method)
        return (usual.map { max($0, delay) }, true)
    }

    /// The first attempt has been open for long: asks a second broker, too, if one is up and the budget
    /// allows it.
    mutating func hedge(_ slot: Int) {
        calls[slot].hedgeAt = nil
        let call = calls[slot]
        guard call.state == .open, call.attempt.state == .sent, !call.hedge.isOpen,
            call.attempts < call.maximumAttempts, let broker = nextUp(avoiding: Int(call.attempt.broker)),
            budget.spend(callsInFlight: callsInFlight)
        else { return }
        counts.hedges += 1
        calls[slot].hedge = beginAttempt(slot, at: broker)
    }
}
