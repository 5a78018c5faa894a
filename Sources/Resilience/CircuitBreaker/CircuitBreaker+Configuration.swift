public import Wire

extension CircuitBreaker {
    /// When a breaker opens, for how long, and how it closes again.
    public struct Configuration: Hashable, Sendable {
        /// How far back outcomes count, in ten buckets.
        public var window = TimeAmount.seconds(10)
        /// Outcomes in the window below which no rate is judged. Hystrix has 20, too.
        public var minimumVolume = 20
        /// Opens when surely more than this share of calls fails: the lower end of the rate's 95% interval counts, so
        /// that eleven failures of twenty are not yet a verdict, and fifteen are.
        public var failureRate = 0.5
        /// Opens when surely more than this share of calls is slow.
        public var slowRate = 0.5
        /// A call that takes longer is slow.
        public var slow = TimeAmount.seconds(1)
        /// Opens after so many calls in a row could not reach the dependency.
        public var unreachableInRow = 5
        /// Opens when over half of the calls in flight are older: a dependency that hangs is noticed before any
        /// timeout. Known to a tenth of the window, which has to be longer.
        public var overdue: TimeAmount? = .seconds(2)

        /// Open for a random time between half of this and all of it, at first …
        public var openTime = TimeAmount.seconds(1)
        /// … doubled by every opening that follows without a healthy time, up to this.
        public var longestOpenTime = TimeAmount.seconds(30)
        /// Closed for so long, the next opening is a first one.
        public var healthyTime = TimeAmount.seconds(60)

        /// Half-open, the next calls are the probes. Otherwise calls are refused until probes, by `admitProbe`, have
        /// succeeded: better wherever something harmless can be asked.
        public var probesWithCalls = true
        /// Probes at a time; at most 8.
        public var probes = 3
        /// A probe without an outcome after this has failed.
        public var probeTimeout = TimeAmount.seconds(1)
        /// Half-open becomes recovering on so many good probes of `probesJudged`, and open on so many bad ones that
        /// these are out of reach.
        public var goodProbes = 3
        public var probesJudged = 5
        /// How long it takes from a tenth of the calls to all of them.
        public var ramp = TimeAmount.seconds(5)

        public init() {}

        /// Our own mistakes trap, with what is wrong.
        func check() {
            precondition(window >= .milliseconds(10), "a window of \(window) has no ten buckets")
            precondition(minimumVolume > 0, "a rate of no calls")
            precondition((0..<1).contains(failureRate), "a failure rate of \(failureRate) is never exceeded")
            precondition((0..<1).contains(slowRate), "a slow rate of \(slowRate) is never exceeded")
            precondition(slow > .zero, "every call takes longer than \(slow)")
            precondition(unreachableInRow > 0, "open before the first call")
            precondition(
                overdue.map { $0 > .zero && $0 < window } ?? true,
                "calls are overdue within the window of \(window)")
            precondition(
                openTime > .zero && longestOpenTime >= openTime,
                "open from \(openTime) to \(longestOpenTime)")
            precondition((1...ProbeLeases.most).contains(probes), "\(probes) probes at a time, of 8")
            precondition(probeTimeout > .zero, "every probe takes longer than \(probeTimeout)")
            precondition(
                (1...probesJudged).contains(goodProbes), "\(goodProbes) good probes of \(probesJudged)")
            precondition(ramp > .zero, "a ramp of no time: make it a nanosecond")
        }
    }
}
