import Wire

/// How long the calls of a method lately took, in buckets.
///
/// Every bucket is the eighth part of a power of two of microseconds, which is exact to 12 per cent. When
/// enough is known all counts are halved, so that the last few hundred calls decide.
struct LatencyMemory: Sendable {
    private struct Histogram: Sendable {
        let method: MethodID
        var counts = [UInt16](repeating: 0, count: LatencyMemory.buckets)
        var total = 0
    }

    /// Methods beyond this are not measured.
    static let methodLimit = 64
    /// Fewer calls than this say nothing about a percentile.
    static let enough = 32
    private static let halvedAt = 1_024
    private static let steps = 8
    /// Up to 2^32 microseconds, more than an hour.
    private static let buckets = 30 * steps

    private var histograms: [Histogram] = []

    init() {}

    mutating func record(_ latency: TimeAmount, of method: MethodID) {
        guard let index = index(of: method) else { return }
        histograms[index].counts[LatencyMemory.bucket(latency)] += 1
        histograms[index].total += 1
        guard histograms[index].total == LatencyMemory.halvedAt else { return }
        for bucket in histograms[index].counts.indices { histograms[index].counts[bucket] /= 2 }
        histograms[index].total = histograms[index].counts.reduce(0) { $0 + Int($1) }
    }

    /// The latency that `percent` of the method's calls stay below; nil while too few are known.
    func percentile(_ percent: Int, of method: MethodID) -> TimeAmount? {
        guard let histogram = histograms.first(where: { $0.method == method }),
            histogram.total >= LatencyMemory.enough
        else { return nil }
        let rank = (histogram.total * percent + 99) / 100
        var seen = 0
        for (bucket, count) in histogram.counts.enumerated() {
            seen += Int(count)
            if seen >= rank { return LatencyMemory.upperBound(bucket) }
        }
        return LatencyMemory.upperBound(LatencyMemory.buckets - 1)
    }

    private mutating func index(of method: MethodID) -> Int? {
        if let index = histograms.firstIndex(where: { $0.method == method }) { return index }
        guard histograms.count < LatencyMemory.methodLimit else { return nil }
        histograms.append(Histogram(method: method))
        return histograms.count - 1
    }

    /// Buckets 0 ..< 8 are single microseconds; from 8 on, each power of two has eight.
    private static func bucket(_ latency: TimeAmount) -> Int {
        let microseconds = UInt64(max(0, latency.microseconds))
        guard microseconds >= UInt64(steps) else { return Int(microseconds) }
        let power = 63 - microseconds.leadingZeroBitCount
        let step = Int(microseconds >> UInt64(power - 3)) - steps
        return min(buckets - 1, (power - 2) * steps + step)
    }

    private static func upperBound(_ bucket: Int) -> TimeAmount {
        guard bucket >= steps else { return .microseconds(Int64(bucket + 1)) }
        let (power, step) = (bucket / steps + 2, bucket % steps)
        return .microseconds(Int64(steps + step + 1) << Int64(power - 3))
    }
}
