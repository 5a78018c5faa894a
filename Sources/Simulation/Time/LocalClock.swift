import Wire

/// A machine's monotonic clock: it began at a moment of its own and runs a little fast or slow.
struct LocalClock {
    /// Parts per million by which it is fast. The design allows two clocks to drift apart by 500 in all.
    let drift: Int64
    let origin: Int64

    private static let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    func local(_ moment: MonotonicTime) -> MonotonicTime {
        let passed = (moment - Self.start).nanoseconds
        return MonotonicTime(nanoseconds: origin + passed + passed / 1_000_000 * drift)
    }

    /// How long the machine's `amount` really takes.
    func trueAmount(_ amount: TimeAmount) -> TimeAmount {
        TimeAmount(nanoseconds: amount.nanoseconds - amount.nanoseconds / 1_000_000 * drift)
    }

    /// The moment at which the machine's clock shows `local`, to the drift's second order.
    func moment(_ local: MonotonicTime) -> MonotonicTime {
        let passed = local.nanoseconds - origin
        return MonotonicTime(nanoseconds: Self.start.nanoseconds + passed - passed / 1_000_000 * drift)
    }
}
