import Resilience
package import Wire

extension WorkerCore {
    /// The breaker in front of the ledger: a connection's loss opens it, a fence check is its probe.
    static var ledgerBreaker: CircuitBreaker.Configuration {
        var configuration = CircuitBreaker.Configuration()
        configuration.unreachableInRow = 3
        configuration.overdue = nil
        configuration.openTime = .milliseconds(500)
        configuration.longestOpenTime = .milliseconds(500)
        configuration.probesWithCalls = false
        configuration.probes = 1
        configuration.goodProbes = 1
        configuration.probesJudged = 1
        configuration.ramp = .seconds(1)
        return configuration
    }

    /// A node may have ended leases early, so all that are held are extended now: that shows whether enough of the
    /// others still know them, and gives them to the node anew.
    package mutating func verifyLeases(_ now: MonotonicTime) {
        for partition in partitions.indices where partitions[partition].lease != nil {
            partitions[partition].renewAt = min(partitions[partition].renewAt, now)
        }
    }
}
