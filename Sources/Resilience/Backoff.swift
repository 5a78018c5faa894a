public import Wire

/// Waits that double up to a ceiling, with full jitter: any wait between zero and the doubled base.
///
/// Full jitter spreads callers that failed together best (Brooker, "Exponential Backoff And Jitter", AWS
/// Architecture Blog, 2015). With a base of 10 ms and a ceiling of 1 s the longest waits are
/// 10, 20, 40, 80, 160, 320, 640, 1000, 1000, … ms.
public struct Backoff: Hashable, Sendable {
    public var base: TimeAmount
    public var ceiling: TimeAmount

    /// - Parameters:
    ///   - base: longest wait after the first failure; above zero.
    ///   - ceiling: longest wait ever; not below the base.
    public init(base: TimeAmount, ceiling: TimeAmount) {
        precondition(base > .zero && ceiling >= base, "a back-off from \(base) to \(ceiling)")
        self.base = base
        self.ceiling = ceiling
    }

    /// The longest wait after `failures` failures in a row, of which there is at least one.
    func longestWait(after failures: Int) -> TimeAmount {
        let doublings = min(max(failures, 1) - 1, 32)
        let (doubled, overflow) = base.nanoseconds.multipliedReportingOverflow(by: 1 << doublings)
        return overflow ? ceiling : min(ceiling, TimeAmount(nanoseconds: doubled))
    }

    /// The wait that 64 random bits choose.
    public func wait(after failures: Int, random: UInt64) -> TimeAmount {
        let longest = UInt64(max(0, longestWait(after: failures).nanoseconds))
        return TimeAmount(nanoseconds: Int64(random.multipliedFullWidth(by: longest).high))
    }
}
