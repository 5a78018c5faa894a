import Histogram

/// How long calls took.
struct Latency {
    private var histogram = Histogram<UInt32>(
        highestTrackableValue: UInt64(UInt32.max), numberOfSignificantValueDigits: .three)

    /// - Parameter nanoseconds: one per call.
    init(_ nanoseconds: [UInt32]) {
        for value in nanoseconds { _ = histogram.record(UInt64(max(1, value))) }
    }

    func microseconds(_ percentile: Double) -> Double {
        Double(histogram.valueAtPercentile(percentile)) / 1_000
    }
}
