import Logging
import Redis
import Redlock
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
}
