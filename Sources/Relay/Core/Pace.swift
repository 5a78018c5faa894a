public import Wire

/// How long to wait before the ledger is asked again: not at all while there is more, and up to a quarter of a second
/// while nothing happens.
public struct Pace: Sendable {
    static let shortest = TimeAmount.milliseconds(2)
    static let longest = TimeAmount.milliseconds(250)

    private var pause = Pace.shortest

    public init() {}

    /// After entries were found; zero when a partition had as many as were asked for.
    public mutating func afterEntries(isMore: Bool) -> TimeAmount {
        pause = Self.shortest
        return isMore ? .zero : Self.shortest
    }

    /// After none were found.
    public mutating func afterNothing() -> TimeAmount {
        defer { pause = min(pause * 2, Self.longest) }
        return pause
    }
}
