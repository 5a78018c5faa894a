package import Wire

/// Finds the calls whose time is over: a hashed timing wheel (Varghese and Lauck 1987), linked through the
/// calls' slots. Setting and clearing cost the same however many calls there are.
///
/// Nearly every call ends long before its deadline, and its slot is soon taken by the next. So clearing leaves the
/// slot where it is linked, and setting a later time only writes it down: whoever is met too early is put where it
/// belongs, once in a turn of the wheel instead of twice per call.
package struct DeadlineWheel {
    /// Calls are noticed up to this much late.
    package static let tick = TimeAmount.milliseconds(10)
    private static let buckets = 1_024

    private struct Node {
        /// `distantFuture` for none.
        var due = MonotonicTime.distantFuture
        var previous: Int32 = -1
        var next: Int32 = -1
        /// The tick at which it is met, which is never later than it is due; -1 while it is not linked.
        var metAt: Int64 = -1
    }

    private var heads = [Int32](repeating: -1, count: buckets)
    private var nodes: [Node]
    /// The tick whose bucket is being read, or was read last.
    private var turned: Int64
    /// Where reading that bucket goes on: none of its calls is looked at twice in a turn.
    private var cursor: Int32 = -1

    package init(capacity: Int, now: MonotonicTime) {
        nodes = Array(repeating: Node(), count: capacity)
        turned = now.nanoseconds / Self.tick.nanoseconds
    }

    package mutating func set(_ slot: Int32, due: MonotonicTime) {
        nodes[Int(slot)].due = due
        let metAt = nodes[Int(slot)].metAt
        if metAt > turned, metAt <= tick(of: due) { return }
        if metAt >= 0 { unlink(slot) }
        link(slot)
    }

    package mutating func clear(_ slot: Int32) { nodes[Int(slot)].due = .distantFuture }

    /// Takes off and returns a call that is due, or nil when there is none yet.
    package mutating func popDue(_ now: MonotonicTime) -> Int32? {
        let reached = now.nanoseconds / Self.tick.nanoseconds
        while true {
            while cursor >= 0 {
                let slot = cursor
                unlink(slot)
                let due = nodes[Int(slot)].due
                if due <= now {
                    clear(slot)
                    return slot
                }
                if due != .distantFuture { link(slot) }
            }
            guard turned < reached else { return nil }
            // After a pause longer than a turn, one turn meets every bucket.
            turned = max(turned + 1, reached - Int64(Self.buckets) + 1)
            cursor = heads[Int(turned % Int64(Self.buckets))]
        }
    }

    private func tick(of due: MonotonicTime) -> Int64 { due.nanoseconds / Self.tick.nanoseconds + 1 }

    /// Beyond a turn of the wheel a call is met early and put on again.
    private mutating func link(_ slot: Int32) {
        let metAt = min(max(turned + 1, tick(of: nodes[Int(slot)].due)), turned + Int64(Self.buckets))
        let bucket = Int(metAt % Int64(Self.buckets))
        nodes[Int(slot)].metAt = metAt
        nodes[Int(slot)].previous = -1
        nodes[Int(slot)].next = heads[bucket]
        if heads[bucket] >= 0 { nodes[Int(heads[bucket])].previous = slot }
        heads[bucket] = slot
    }

    private mutating func unlink(_ slot: Int32) {
        let node = nodes[Int(slot)]
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            heads[Int(node.metAt % Int64(Self.buckets))] = node.next
        }
        if node.next >= 0 { nodes[Int(node.next)].previous = node.previous }
        if cursor == slot { cursor = node.next }
        nodes[Int(slot)].metAt = -1
    }
}
