import Ledger
import Logging
import Redis
import Redlock
import Resilience
import Wire
import ZeroMQ

extension Worker {
    /// How long a node may be away before it is told of: connections come and go in less.
    private static let nodePatience = TimeAmount.seconds(1)

    /// Logs whenever a Redis node is lost, refused or back, with its address. Call once, after `start`.
    public func tellOfNodes() {
        var isGood: [Int: Bool] = [:]
        loop.schedule(every: Worker.nodePatience) { [unowned self] in
            guard let nodes = locks?.nodes else { return }
            for (index, node) in nodes.enumerated() {
                let isGoodNow = node.isConnected && node.refusal == nil
                // At first only bad news are news.
                guard isGood.updateValue(isGoodNow, forKey: index) ?? true != isGoodNow else { continue }
                if isGoodNow {
                    logger.notice("A Redis node is back", metadata: ["redis": "\(node.address)"])
                } else {
                    let reason = node.refusal ?? node.lastError ?? "not connected"
                    logger.warning(
                        "A Redis node gives no votes",
                        metadata: ["redis": "\(node.address)", "error": "\(reason)"])
                }
            }
        }
    }

    /// In a new cluster young Redis nodes have nothing to forget; those that are restarted later have.
    func startQuarantine(_ facts: LedgerFacts) {
        for (manager, isNew) in [(locks, !facts.anyFence), (lockService?.manager, !facts.anyLock)] {
            guard let manager, isNew else { continue }
            loop.schedule(after: manager.configuration.amnesia) { [weak manager] in
                manager?.setQuarantine(true)
            }
        }
    }

    /// Logs what happens to a node's memory, clock or breaker, and has the leases verified where that matters.
    func heard(_ event: NodeEvent, of node: RedisAddress) {
        let metadata: Logger.Metadata = ["redis": "\(node)"]
        switch event {
        case .forgot:
            logger.warning(
                "A Redis node has forgotten its keys and gives no votes for a TTL", metadata: metadata)
        case .clockSet(let amount):
            logger.warning(
                "A Redis node's clock was set and it gives no votes for a TTL",
                metadata: metadata.merging(["ms": "\(amount.milliseconds)"]) { $1 })
            core?.verifyLeases(loop.now)
        case .breaker(.opened(let reason, let time, _)):
            logger.warning(
                "A Redis node is not asked for new leases for a while",
                metadata: metadata.merging(["reason": "\(reason.rawValue)", "ms": "\(time.milliseconds)"]) {
                    $1
                })
        case .breaker(.closed):
            logger.notice("A Redis node is asked for new leases again", metadata: metadata)
        case .breaker: break
        }
    }
}
