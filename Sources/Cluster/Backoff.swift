/// How long to wait before a process that died is started again: full jitter under an exponential ceiling
/// (AWS Architecture Blog, "Exponential Backoff And Jitter").
///
/// | deaths in a row | delay |
/// | --- | --- |
/// | 1 | 0 … 100 ms |
/// | 2 | 0 … 200 ms |
/// | 6 | 0 … 3.2 s |
/// | 7 and more | 0 … 5 s |
struct Backoff: Sendable {
    static let base = Duration.milliseconds(100)
    static let cap = Duration.seconds(5)
    /// A process that ran this long was healthy: its death is the first of a new row.
    static let healthy = Duration.seconds(10)

    /// Deaths without a healthy run between them.
    private(set) var deaths = 0

    /// Counts a death after a run of `age`. `random` is from 0 up to 1.
    mutating func death(after age: Duration, random: Double) -> Duration {
        deaths = age >= Self.healthy ? 1 : deaths + 1
        let ceiling = min(Self.base * (1 << min(deaths - 1, 16)), Self.cap)
        return ceiling * random
    }
}
