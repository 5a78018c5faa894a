package import Resilience
package import Wire

/// The breakers around one shard of the ledger, one per purpose: commits, whose outage refuses orders; control (fences
/// and books), whose outage keeps partitions from being taken; the fences of services' locks, whose outage
/// refuses locks; and what is read for receipts.
///
/// Open for 250 to 500 ms, then probed by the fence checks, which change nothing and go on at all times; good again,
/// they let a tenth of the work pass, and all of it after a second. The connection for locks has a probe of its own, and who asks for a
/// receipt is one.
package struct LedgerBreakers {
    package var commit: CircuitBreaker
    package var control: CircuitBreaker
    package var locks: CircuitBreaker
    package var receipts: CircuitBreaker
    /// Of the transaction on its way.
    private var permit: CircuitBreaker.Permit?

    package enum Purpose: String, CaseIterable {
        case commit
        case control
        case locks
        case receipts
    }

    /// - Parameters:
    ///   - slow: a transaction or statement that takes longer is slow, and its breaker opens before it times out.
    ///   - seed: of the jitter.
    init(slow: TimeAmount, seed: UInt64) {
        var configuration = CircuitBreaker.Configuration()
        configuration.window = slow * 5
        configuration.slow = slow
        configuration.overdue = slow
        // One transaction is on its way at a time, with thousands of orders: three that failed are many.
        configuration.minimumVolume = 3
        configuration.failureRate = 0.4
        configuration.slowRate = 0.4
        configuration.unreachableInRow = 3
        configuration.openTime = .milliseconds(500)
        configuration.longestOpenTime = .milliseconds(500)
        configuration.probesWithCalls = false
        configuration.probes = 1
        configuration.goodProbes = 1
        configuration.probesJudged = 1
        configuration.ramp = .seconds(1)
        commit = CircuitBreaker(configuration, seed: seed)
        control = CircuitBreaker(configuration, seed: ~seed)
        locks = CircuitBreaker(configuration, seed: seed.byteSwapped)
        // Whoever reads one is a probe: it changes nothing, and one is read at a time.
        configuration.probesWithCalls = true
        receipts = CircuitBreaker(configuration, seed: ~seed.byteSwapped)
    }

    // MARK: Transactions

    mutating func transactionSent(_ now: MonotonicTime) { permit = commit.begin(now) }

    mutating func transactionEnded(_ outcome: CircuitBreaker.Outcome, _ now: MonotonicTime) {
        guard let permit = permit.take() else { return }
        commit.record(permit, outcome, now)
    }

    // MARK: Control

    /// A fence check came back: it is the probe of both. One that was sent long ago says nothing of the present.
    mutating func checked(sent: MonotonicTime, isStuck: Bool, _ now: MonotonicTime) {
        record(.success, sent: sent, now)
        guard now - sent < commit.configuration.slow else { return }
        if let probe = control.admitProbe(now) { control.record(probe, .success, now) }
        // While a transaction hangs, answers to checks are no reason to begin another.
        if !isStuck, let probe = commit.admitProbe(now) { commit.record(probe, .success, now) }
    }

    /// A statement about fences or books ended. One that hangs is known by the fence checks behind it, which are on the
    /// same connection.
    package mutating func record(
        _ outcome: CircuitBreaker.Outcome, sent: MonotonicTime, _ now: MonotonicTime
    ) {
        let permit = control.begin(sent)
        control.record(permit, outcome, now)
    }

    /// Whether a partition may be taken: its fence and its book come through control.
    var mayTake: Bool { control.letsPass }

    /// A connection is gone. Without the one for control nothing may be committed either. Who waits for a lock waits for the
    /// next connection, too: of these, and for receipts, only what fails counts, and a connection that cannot be made.
    mutating func lost(_ purpose: Purpose, _ now: MonotonicTime) {
        switch purpose {
        case .commit: commit.trip(now)
        case .control:
            commit.trip(now)
            control.trip(now)
        case .locks, .receipts:
            let permit = self[purpose].begin(now)
            self[purpose].record(permit, .unreachable, now)
        }
    }

    mutating func tick(_ now: MonotonicTime) {
        commit.tick(now)
        control.tick(now)
        locks.tick(now)
        receipts.tick(now)
    }

    /// What happened to the breakers since the last time.
    package mutating func takeEvents() -> [(Purpose, CircuitBreaker.Event)] {
        Purpose.allCases.flatMap { purpose in self[purpose].takeEvents().map { (purpose, $0) } }
    }
}
