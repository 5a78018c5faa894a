import Client
import Histogram
import Sales
import Wire

/// What a part of the demo came to, and how fast.
struct Measurement: Sendable {
    private(set) var tally: Tally
    private(set) var confirmed: Confirmed
    let began: MonotonicTime

    init(tally: Tally, began: MonotonicTime) {
        self.tally = tally
        self.began = began
        confirmed = Confirmed(tally.yeses)
    }

    /// From the first request to the last answer.
    var seconds: Double { Double(max(1, (tally.lastAnswer - began).nanoseconds)) / 1e9 }
    var requestsPerSecond: Double { Double(tally.requests) / seconds }
    /// Durable orders, from the first request to the last yes.
    var ordersPerSecond: Double {
        let time = Double((max(tally.lastYes, began) - began).nanoseconds) / 1e9
        return time > 0 ? Double(confirmed.orders.count) / time : 0
    }

    /// Milliseconds from call to answer, as the caller saw them.
    struct Latency {
        let p50: Double
        let p99: Double
        let p999: Double

        var json: JSON {
            .object([("p50", .decimal(p50)), ("p99", .decimal(p99)), ("p999", .decimal(p999))])
        }
    }

    var latency: Latency {
        // Up to an hour in microseconds, three significant digits.
        var histogram = Histogram<UInt32>(
            highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
        for value in tally.latencies { _ = histogram.record(UInt64(max(1, value))) }
        func milliseconds(_ percentile: Double) -> Double {
            Double(histogram.valueAtPercentile(percentile)) / 1_000
        }
        return Latency(p50: milliseconds(50), p99: milliseconds(99), p999: milliseconds(99.9))
    }

    /// Ends every unknown outcome for good, so that the sale can be judged. Those that could not be settled
    /// stay unknown.
    mutating func settle(_ client: StampedeClient, _ options: CallOptions) async -> Int {
        let unknown = tally.unknown
        tally.unknown = []
        var settled = 0
        for request in unknown {
            do throws(CallError) {
                let settlement = try await client.settleOrder(
                    sale: request.sale, buyer: request.buyer, key: request.key, options: options)
                settled += 1
                switch settlement {
                case .placed(let order): tally.yes(order, at: .distantPast)
                case .voided: tally.refused["settledAsNone", default: 0] += 1
                }
            } catch {
                tally.unknown.append(request)
                tally.lastError = error.description
            }
        }
        confirmed = Confirmed(tally.yeses)
        return settled
    }
}
