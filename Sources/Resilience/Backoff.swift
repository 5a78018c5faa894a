public import Wire

/// Full-jitter exponential back-off: each delay is drawn from zero to a ceiling that doubles up to a cap
/// (Brooker, "Exponential Backoff And Jitter", AWS 2015).
public struct Backoff: Sendable {
    private let base: TimeAmount
    private let cap: TimeAmount
    private var attempt = 0

    public init(base: TimeAmount, cap: TimeAmount) {
        precondition(base > .zero && cap >= base, "back-off from \(base) to \(cap)")
        self.base = base
        self.cap = cap
    }

    /// The next delay; `random` is any 64 random bits.
    public mutating func next(random: UInt64) -> TimeAmount {
        let ceiling =
            attempt < 30 ? min(cap.nanoseconds, base.nanoseconds << Int64(attempt)) : cap.nanoseconds
        attempt += 1
        // The cap comes before the jitter; the other way round the herd would meet again at the cap.
        return TimeAmount(nanoseconds: Int64(random % UInt64(max(1, ceiling) + 1)))
    }

    /// Begins anew after a success.
    public mutating func reset() { attempt = 0 }
}
