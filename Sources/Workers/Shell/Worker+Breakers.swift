import Logging
import Methods
import Resilience
import Sales
import Wire
import ZeroMQ

extension Worker {
    /// An operator forces a breaker, or asks how they are.
    func forceBreaker(_ request: ForceBreaker, _ to: ReplyAddress) {
        guard core != nil else { return }
        let now = loop.now
        do throws(BadField) {
            try core!.breakers.apply(request, now)
            answer(to, core!.breakers.states(now))
        } catch {
            core!.answer(to, 0, .refused(.badField(error.name)))
        }
    }

    /// Tells of every change of a breaker's state, since the last time.
    func logBreakers() {
        guard let events = core?.breakers.takeEvents() else { return }
        for (purpose, event) in events { log(event.change, purpose) }
    }

    private func log(_ change: CircuitBreaker.Event.Change, _ purpose: LedgerBreakers.Purpose) {
        let name: Logger.Metadata = ["breaker": "ledger.\(purpose.rawValue)"]
        switch change {
        case .opened(let reason, let time, let counts):
            logger.warning(
                "A breaker opened",
                metadata: name.merging([
                    "reason": "\(reason.rawValue)", "milliseconds": "\(time.milliseconds)",
                    "succeeded": "\(counts.succeeded)", "failed": "\(counts.failed)",
                    "slow": "\(counts.slow)",
                ]) { $1 })
        case .halfOpened:
            logger.debug("A breaker waits for a probe", metadata: name)
        case .recovering:
            logger.notice("A breaker lets a growing share pass", metadata: name)
        case .closed:
            logger.notice("A breaker closed", metadata: name)
        case .forced(let state, let actor, _):
            logger.warning(
                "A breaker was forced",
                metadata: name.merging(["state": "\(state.rawValue)", "by": "\(actor)"]) { $1 })
        case .lifted(let state, let actor):
            logger.notice(
                "A breaker is its own again",
                metadata: name.merging(["state": "\(state.rawValue)", "by": "\(actor)"]) { $1 })
        }
    }
}
