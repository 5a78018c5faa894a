import Wire

/// Finds the calls whose time is over: a hashed timing wheel (Varghese and Lauck 1987), linked through the
/// calls' slots. Setting and clearing cost the same however many calls there are.
struct DeadlineWheel {
    /// Calls are noticed up to this much late.
    static let tick = TimeAmount.milliseconds(10)
    private static let buckets = 1_024

    private struct Node {
        var due = MonotonicTime.distantPast
        var previous: Int32 = -1
        var next: Int32 = -1
        var bucket: Int32 = -1
    }

    private var heads = [Int32](repeating: -1, count: buckets)
    private var nodes: [Node]
    /// The tick whose bucket is being read, or was read last.
    private var turned: Int64
    /// Where reading that bucket goes on: none of its calls is looked at twice in a turn.
    private var cursor: Int32 = -1

    init(capacity: Int, now: MonotonicTime) {
        nodes = Array(repeating: Node(), count: capacity)
        turned = now.nanoseconds / Self.tick.nanoseconds
    }

    mutating func set(_ slot: Int32, due: MonotonicTime) {
        clear(slot)
        // Beyond a turn of the wheel a call is met early and put on again.
        let tick = max(turned + 1, due.nanoseconds / Self.tick.nanoseconds + 1)
        let bucket = Int(tick % Int64(Self.buckets))
        nodes[Int(slot)] = Node(due: due, previous: -1, next: heads[bucket], bucket: Int32(bucket))
        if heads[bucket] >= 0 { nodes[Int(heads[bucket])].previous = slot }
        heads[bucket] = slot
    }

    mutating func clear(_ slot: Int32) {
        let node = nodes[Int(slot)]
        guard node.bucket >= 0 else { return }
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            heads[Int(node.bucket)] = node.next
        }
        if node.next >= 0 { nodes[Int(node.next)].previous = node.previous }
        if cursor == slot { cursor = node.next }
        nodes[Int(slot)] = Node()
    }

    /// Takes off and returns a call that is due, or nil when there is none yet.
    mutating func popDue(_ now: MonotonicTime) -> Int32? {
        let reached = now.nanoseconds / Self.tick.nanoseconds
        while true {
            while cursor >= 0 {
                let slot = cursor
                cursor = nodes[Int(slot)].next
                if nodes[Int(slot)].due <= now {
                    clear(slot)
                    return slot
                }
            }
            guard turned < reached else { return nil }
            // After a pause longer than a turn, one turn meets every bucket.
            turned = max(turned + 1, reached - Int64(Self.buckets) + 1)
            cursor = heads[Int(turned % Int64(Self.buckets))]
        }
    }
}
