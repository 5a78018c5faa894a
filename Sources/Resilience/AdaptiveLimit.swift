public import Wire

/// How many calls at a time a dependency serves best, found by watching it.
///
/// After TCP Vegas as Netflix' concurrency-limits and failsafe-go have it: with `n` calls in flight that take `t`, and
/// `t0` without a queue, `n * (1 - t0 / t)` of them only wait. The limit doubles until some wait; from then on it grows
/// while these are few and shrinks when they are many, by the decimal logarithm of itself.
///
/// `t0` is about the least that was seen, which would be wrong for ever once the network has become slower. So before
/// it shrinks, an experiment: a quarter less for a few calls' time. If the throughput falls as much there was no queue,
/// and what calls take now is `t0`. (The others tell by a covariance over many windows, or drain the dependency now
/// and then.)
///
/// A value without a clock, for one thread; a `Mutex` around it makes it fit for many.
public struct AdaptiveLimit: Sendable {
    /// The least and most that it becomes, and where it begins.
    public struct Configuration: Hashable, Sendable {
        public var first = 1
        public var least = 1
        public var most = 1_000
        /// Calls by which a window is judged, at least; it also lasts as long as a call. At most 64 count.
        public var samples = 40

        public init() {}

        func check() {
            precondition(least >= 1 && most >= least, "a limit from \(least) to \(most)")
            precondition(
                (least...most).contains(first), "a first limit of \(first), not in \(least)...\(most)")
            precondition((2...Samples.most).contains(samples), "\(samples) samples, of 2 to 64")
        }
    }

    /// Allows one call.
    public struct Permit: Hashable, Sendable {
        let startedAt: MonotonicTime
    }

    /// How a call ended.
    public enum Outcome: Hashable, Sendable {
        case success
        /// Refused or timed out for overload.
        case dropped
        /// Says nothing of the load: cancelled, or refused for its content.
        case ignored
    }

    /// What the limit does.
    private enum Phase: Sendable {
        /// Doubles with every window. Becomes `steady`.
        case doubling
        /// Follows the queue. Becomes `holding`.
        case steady
        /// Too many seem to wait: sees what is done in a few windows; the first is passed over, because part of it was
        /// before. Becomes `lowered`.
        case holding(windows: Int, done: Tally)
        /// The same with a quarter less. Becomes `steady`.
        case lowered(from: Double, before: Double, windows: Int, done: Tally)
    }

    /// Calls that ended, and in which time.
    private struct Tally: Sendable {
        var calls = 0
        var time = TimeAmount.zero
        var throughput: Double { Double(calls) / Double(max(1, time.nanoseconds)) }

        mutating func add(_ other: Tally) {
            calls += other.calls
            time = time + other.time
        }
    }

    public let configuration: Configuration
    public private(set) var inFlight = 0
    private var exact: Double
    private var phase = Phase.doubling
    /// What a call takes without a queue, in nanoseconds.
    private var baseline: Double?
    private var samples = Samples()
    private var windowStart: MonotonicTime?
    private var ended = 0
    private var mostInFlight = 0
    private var mayDropAgain = MonotonicTime.distantPast

    /// Windows of each half of an experiment, the first of which does not count.
    private static let windows = 5

    public init(_ configuration: Configuration = Configuration()) {
        configuration.check()
        self.configuration = configuration
        exact = Double(configuration.first)
    }

    /// Calls at a time.
    public var limit: Int { Int(exact) }

    /// Asks before a call. Nil when as many are in flight as may be: refuse, or wait for one to end.
    public mutating func admit(_ now: MonotonicTime) -> Permit? {
        guard inFlight < limit else { return nil }
        inFlight += 1
        mostInFlight = max(mostInFlight, inFlight)
        if windowStart == nil { windowStart = now }
        return Permit(startedAt: now)
    }

    /// Says how a call ended, once per permit.
    public mutating func record(_ permit: Permit, _ outcome: Outcome, _ now: MonotonicTime) {
        inFlight -= 1
        switch outcome {
        case .ignored: return
        case .dropped: return drop(now)
        case .success: break
        }
        ended += 1
        samples.add(now - permit.startedAt)
        guard let start = windowStart, samples.count >= configuration.samples, now > start else { return }
        let typical = samples.typical
        guard now - start >= typical else { return }
        judge(Double(typical.nanoseconds), Tally(calls: ended, time: now - start))
        beginWindow(now)
    }

    /// A tenth less, once in the time that a call takes: one overload refuses many.
    private mutating func drop(_ now: MonotonicTime) {
        guard now >= mayDropAgain else { return }
        mayDropAgain = now + TimeAmount(nanoseconds: Int64(baseline ?? 1_000_000))
        set(exact * 0.9)
        phase = .steady
        beginWindow(now)
    }

    private mutating func beginWindow(_ now: MonotonicTime) {
        samples.removeAll()
        windowStart = now
        ended = 0
        mostInFlight = inFlight
    }

    // MARK: Judging a window

    private mutating func judge(_ typical: Double, _ done: Tally) {
        switch phase {
        case .doubling, .steady: follow(typical)
        case .holding(let windows, var tally):
            if windows > 0 { tally.add(done) }
            phase = .holding(windows: windows + 1, done: tally)
            guard windows + 1 == Self.windows else { return }
            phase = .lowered(from: exact, before: tally.throughput, windows: 0, done: Tally())
            set(exact * 0.75)
        case .lowered(let from, let before, let windows, var tally):
            if windows > 0 { tally.add(done) }
            phase = .lowered(from: from, before: before, windows: windows + 1, done: tally)
            guard windows + 1 == Self.windows else { return }
            phase = .steady
            // A quarter less would be 0.75 of it without a queue, and all of it with a long one.
            guard tally.throughput < before * 0.85 else { return }
            baseline = typical
            set(from)
        }
    }

    private mutating func follow(_ typical: Double) {
        let known = baseline ?? typical
        let waiting = Double(mostInFlight) * (1 - known / max(known, typical))
        let step = Self.log10(exact)
        // Down by a quarter of the way, because the least of many windows is luck.
        if typical <= known { baseline = known + (typical - known) / 4 }
        if waiting <= max(1, 3 * step) {
            grow()
        } else {
            if case .doubling = phase { phase = .steady }
            if waiting > max(2, 6 * step) { phase = .holding(windows: 0, done: Tally()) }
        }
    }

    /// Up, unless the callers ask for far less than they may: then nothing is learnt.
    private mutating func grow() {
        guard mostInFlight * 2 > limit else { return }
        let more = if case .doubling = phase { exact } else { max(1, Self.log10(exact)) }
        set(min(exact + more, 4 * Double(mostInFlight)))
    }

    private mutating func set(_ limit: Double) {
        exact = min(max(limit, Double(configuration.least)), Double(configuration.most))
    }

    /// Within 3%: the exponent, and a straight line between powers of two.
    static func log10(_ number: Double) -> Double {
        (Double(number.exponent) + number.significand - 1) * 0.301_03
    }
}

/// What the calls of a window took.
private struct Samples: Sendable {
    static let most = 64
    private(set) var count = 0
    private var values = InlineArray<64, Int64>(repeating: 0)

    /// Those over 64 are passed over.
    mutating func add(_ time: TimeAmount) {
        guard count < Self.most else { return }
        values[count] = time.nanoseconds
        count += 1
    }

    mutating func removeAll() { count = 0 }

    /// What nine of ten take at most. Sorts what there is, once per window.
    var typical: TimeAmount {
        var sorted = values
        for index in 1..<count {
            var place = index
            while place > 0, sorted[place - 1] > sorted[place] {
                sorted.swapAt(place - 1, place)
                place -= 1
            }
        }
        return TimeAmount(nanoseconds: sorted[count * 9 / 10])
    }
}
