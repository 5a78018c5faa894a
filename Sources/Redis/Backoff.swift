import Wire

/// How long to wait before the next try to connect: full jitter under a ceiling that doubles.
///
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: the delay is uniform below the ceiling, so
/// that many clients of one dead server do not come back in step. The ceiling is cut off before the draw.
///
/// | try     | 1  | 2   | 3   | 4   | 5   | 6    | 7…   |
/// | ceiling | 50 | 100 | 200 | 400 | 800 | 1600 | 2000 ms |
struct Backoff {
    static let first = TimeAmount.milliseconds(50)
    static let longest = TimeAmount.seconds(2)
    /// Keeps an unlucky series of draws from becoming a busy loop.
    static let shortest = TimeAmount.milliseconds(2)

    private var ceiling = first

    mutating func next(random: UInt64) -> TimeAmount {
        let delay = TimeAmount(nanoseconds: Int64(random % UInt64(ceiling.nanoseconds)) + 1)
        ceiling = min(Self.longest, ceiling * 2)
        return max(Self.shortest, delay)
    }

    mutating func reset() { ceiling = Self.first }
}
