import Wire

/// Due times of calls: a hashed timing wheel (Varghese and Lauck, SOSP 1987, scheme 6).
///
/// Every slot of the call table is on the wheel at most once, linked through arrays, so that setting and
/// taking back cost a few stores and no memory. Due times are met up to one step late, never early.
struct DeadlineWheel: Sendable {
    static let step = TimeAmount.milliseconds(4)
    /// The wheel goes round in four seconds; a later due time is passed over until its round comes.
    private static let bucketCount = 1_024
    private static let none: Int32 = -1

    private var heads = [Int32](repeating: DeadlineWheel.none, count: DeadlineWheel.bucketCount)
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var bucket: [Int32] = []
    private var due: [MonotonicTime] = []
    /// The steps up to and including this one have been handled.
    private var handled: Int64
    private(set) var count = 0

    init(now: MonotonicTime) { handled = DeadlineWheel.stepNumber(now) }

    private static func stepNumber(_ time: MonotonicTime) -> Int64 { time.nanoseconds / step.nanoseconds }

    /// Makes room for one more slot.
    mutating func grow() {
        next.append(DeadlineWheel.none)
        previous.append(DeadlineWheel.none)
        bucket.append(DeadlineWheel.none)
        due.append(.distantFuture)
    }

    /// Sets or moves the due time of a slot.
    mutating func set(_ slot: Int, due time: MonotonicTime) {
        remove(slot)
        // A step is handled when it is over, which makes due times late, never early.
        let step = max(DeadlineWheel.stepNumber(time), handled + 1)
        let index = Int(step % Int64(DeadlineWheel.bucketCount))
        let head = heads[index]
        next[slot] = head
        previous[slot] = DeadlineWheel.none
        if head != DeadlineWheel.none { previous[Int(head)] = Int32(slot) }
        heads[index] = Int32(slot)
        bucket[slot] = Int32(index)
        due[slot] = time
        count += 1
    }

    mutating func remove(_ slot: Int) {
        guard bucket[slot] != DeadlineWheel.none else { return }
        let (before, after) = (previous[slot], next[slot])
        if before == DeadlineWheel.none {
            heads[Int(bucket[slot])] = after
        } else {
            next[Int(before)] = after
        }
        if after != DeadlineWheel.none { previous[Int(after)] = before }
        bucket[slot] = DeadlineWheel.none
        count -= 1
    }

    /// Takes every slot that is due off the wheel and appends it to `slots`.
    mutating func advance(to now: MonotonicTime, into slots: inout [Int]) {
        // The current step is not over yet.
        let last = DeadlineWheel.stepNumber(now) - 1
        guard last > handled else { return }
        let steps = min(last - handled, Int64(DeadlineWheel.bucketCount))
        for step in (last - steps + 1)...last where count > 0 {
            var slot = heads[Int(step % Int64(DeadlineWheel.bucketCount))]
            while slot != DeadlineWheel.none {
                let following = next[Int(slot)]
                if due[Int(slot)] <= now {
                    remove(Int(slot))
                    slots.append(Int(slot))
                }
                slot = following
            }
        }
        handled = last
    }

    /// A moment at which nothing is overdue yet, at most `limit`: when to advance next.
    func wake(notAfter limit: MonotonicTime) -> MonotonicTime {
        guard count > 0 else { return limit }
        var step = handled + 1
        let last = min(DeadlineWheel.stepNumber(limit), handled + Int64(DeadlineWheel.bucketCount))
        while step <= last {
            if heads[Int(step % Int64(DeadlineWheel.bucketCount))] != DeadlineWheel.none {
                return min(
                    limit, MonotonicTime(nanoseconds: (step + 1) * DeadlineWheel.step.nanoseconds))
            }
            step += 1
        }
        return limit
    }
}
