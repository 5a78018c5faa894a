/// What a worker knows of the ledger's clock at one moment: the true time lies between the two ends.
public struct LedgerInstant: Hashable, Sendable {
    public var earliest: LedgerTime
    public var latest: LedgerTime

    public init(earliest: LedgerTime, latest: LedgerTime) {
        self.earliest = earliest
        self.latest = latest
    }

    /// The best guess; what an entry is stamped with.
    public var middle: LedgerTime { LedgerTime(rawValue: (earliest.rawValue + latest.rawValue) / 2) }
    /// Half the width, in microseconds.
    public var error: Int64 { (latest.rawValue - earliest.rawValue) / 2 }
}

/// An estimate of the ledger's clock, kept on the worker's own monotonic clock.
///
/// A check that was sent at `s`, answered at `r` and carried the ledger's time `t` shows that the ledger's
/// clock read `t` somewhere between the two (Cristian 1989): so at a later `m` it reads between
/// `t + (m - r)` and `t + (m - s)`, widened by how far two clocks may drift apart meanwhile. Two checks hold both, so
/// the time is where their intervals meet (Marzullo and Owicki 1983). Its earlier end, by which a sale opens, never goes
/// back, but when a clock was stepped.
public struct LedgerClock: Sendable {
    /// Beyond this the window is not judged (promise P5), in microseconds.
    public static let maximumError: Int64 = 100_000
    /// Two clocks drift by at most this share of the time since the sample: 500 parts in a million.
    private static let driftDivisor: Int64 = 2_000

    /// Lowest and highest possible difference "ledger minus ours", in microseconds.
    private var lowest: Int64
    private var highest: Int64
    private var sampledAt: Int64

    /// A first sample. Moments are microseconds of the worker's monotonic clock.
    public init(sent: Int64, received: Int64, ledger: LedgerTime) {
        lowest = ledger.rawValue - received
        highest = ledger.rawValue - sent
        sampledAt = received
    }

    /// Takes a newer sample together with what the old ones still say.
    public mutating func add(sent: Int64, received: Int64, ledger: LedgerTime) {
        let sample = LedgerClock(sent: sent, received: received, ledger: ledger)
        let old = instant(at: received)
        self = sample
        let earliest = old.earliest.rawValue - received
        let latest = old.latest.rawValue - received
        // Samples that contradict each other mean that a clock was stepped: the newer one holds.
        guard sample.lowest <= latest, earliest <= sample.highest else { return }
        lowest = max(sample.lowest, earliest)
        highest = min(sample.highest, latest)
    }

    /// The ledger's time at a moment of the worker's monotonic clock, in microseconds.
    public func instant(at moment: Int64) -> LedgerInstant {
        // Rounded up, as the true time must lie between the two ends.
        let drift = (max(0, moment - sampledAt) + LedgerClock.driftDivisor - 1) / LedgerClock.driftDivisor
        return LedgerInstant(
            earliest: LedgerTime(rawValue: moment + lowest - drift),
            latest: LedgerTime(rawValue: moment + highest + drift))
    }
}
