import Wire

/// How calls ended in the last ten buckets of time, and when those in flight began.
///
/// A ring, as Hystrix' rolling number is one: time moves a cursor, and what it passes over leaves the totals. So adding
/// and reading cost the same whatever the number of calls.
struct OutcomeWindow: Sendable {
    static let size = 10

    private var buckets = InlineArray<10, Bucket>(repeating: Bucket())
    private(set) var counts = CircuitBreaker.Counts()
    /// Number of the present bucket since the start.
    private(set) var turn: UInt32 = 0
    private(set) var turnEnd = MonotonicTime.distantPast
    private(set) var inFlight = 0
    /// Of these, what began before the oldest bucket.
    private var older = 0
    private var slot = 0
    private let bucket: TimeAmount

    private struct Bucket: Sendable {
        var counts = CircuitBreaker.Counts()
        /// Calls that began in this bucket and have not ended.
        var inFlight = 0
    }

    init(bucket: TimeAmount) { self.bucket = bucket }

    mutating func begin() {
        inFlight &+= 1
        buckets[slot].inFlight &+= 1
    }

    mutating func end(_ began: UInt32) {
        let age = turn &- began
        inFlight &-= 1
        if age < UInt32(Self.size) {
            buckets[Int(began % UInt32(Self.size))].inFlight &-= 1
        } else {
            older &-= 1
        }
    }

    mutating func succeed() {
        counts.succeeded &+= 1
        buckets[slot].counts.succeeded &+= 1
    }

    mutating func slow() {
        counts.slow &+= 1
        buckets[slot].counts.slow &+= 1
    }

    mutating func fail() {
        counts.failed &+= 1
        buckets[slot].counts.failed &+= 1
    }

    mutating func ignore() {
        counts.ignored &+= 1
        buckets[slot].counts.ignored &+= 1
    }

    mutating func reject() {
        counts.rejected &+= 1
        buckets[slot].counts.rejected &+= 1
    }

    /// Calls in flight that surely began before a moment: a bucket counts when all of it lies before.
    func inFlight(startedBefore moment: MonotonicTime) -> Int {
        var found = older
        // The present bucket ends last; the one `age` buckets ago ended by so much earlier.
        for age in 1..<Self.size where turnEnd - bucket * age <= moment {
            found += buckets[(slot + Self.size - age) % Self.size].inFlight
        }
        return found
    }

    /// Forgets all outcomes, and all calls in flight: whoever clears takes no more results of theirs.
    mutating func clear() {
        buckets = InlineArray(repeating: Bucket())
        counts = CircuitBreaker.Counts()
        inFlight = 0
        older = 0
    }

    mutating func advance(to now: MonotonicTime) {
        guard now >= turnEnd else { return }
        let late = (now - turnEnd).nanoseconds / bucket.nanoseconds
        // After a pause longer than the window the first bucket begins now, whenever the last one ended.
        let steps = min(Int(late), Self.size) + 1
        turnEnd = late > Self.size ? now + bucket : turnEnd + bucket * (Int(late) + 1)
        for _ in 0..<steps {
            turn &+= 1
            slot = Int(turn % UInt32(Self.size))
            older += buckets[slot].inFlight
            counts.subtract(buckets[slot].counts)
            buckets[slot] = Bucket()
        }
    }
}

extension CircuitBreaker {
    /// How the calls of the window ended.
    public struct Counts: Hashable, Sendable {
        public internal(set) var succeeded = 0
        public internal(set) var failed = 0
        /// Succeeded, but took too long.
        public internal(set) var slow = 0
        /// Cancelled, or without meaning for the dependency.
        public internal(set) var ignored = 0
        /// Refused by the breaker.
        public internal(set) var rejected = 0

        public init() {}

        /// What a rate is a share of.
        public var judged: Int { succeeded + failed + slow }

        mutating func subtract(_ other: Self) {
            succeeded -= other.succeeded
            failed -= other.failed
            slow -= other.slow
            ignored -= other.ignored
            rejected -= other.rejected
        }
    }
}
