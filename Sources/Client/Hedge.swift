public import Wire

/// When a call asks a second broker because the first takes long (Dean and Barroso, "The Tail at Scale", 2013).
///
/// Only calls that may be repeated are hedged, with the same request key and under the retry budget; there is
/// one second attempt at most, and it counts as an attempt. Delays are met up to 8 ms late.
public struct Hedge: Hashable, Sendable {
    /// 0 for a fixed delay.
    let percent: UInt8
    /// The delay, or the shortest that a percentile may give; nil for no hedge.
    let delay: TimeAmount?

    /// One attempt at a time.
    public static let never = Hedge(percent: 0, delay: nil)

    /// The second attempt begins when the first has been open for `delay`.
    public static func after(_ delay: TimeAmount) -> Hedge {
        precondition(delay >= .zero, "a hedge after \(delay)")
        return Hedge(percent: 0, delay: delay)
    }

    /// The second attempt begins when the first takes longer than `percent` of the last few hundred calls of
    /// the same method that were hedged so. Below 32 of them nothing is known and nothing is hedged.
    ///
    /// - Parameters:
    ///   - percent: 50 ... 99. 95 adds a twentieth of the calls at most.
    ///   - shortest: the delay is not below this, however fast the method is.
    public static func percentile(_ percent: Int = 95, atLeast shortest: TimeAmount = .milliseconds(5))
        -> Hedge
    {
        precondition(50...99 ~= percent, "a hedge at \(percent) per cent")
        return Hedge(percent: UInt8(percent), delay: shortest)
    }
}
