import Wire

/// What is going to happen, in order of time; of two at the same time the one that was scheduled first.
struct VirtualTime {
    private struct Event {
        let at: MonotonicTime
        let order: Int
        let action: () -> Void

        func isBefore(_ other: Event) -> Bool {
            let (mine, theirs) = (at.nanoseconds, other.at.nanoseconds)
            return mine == theirs ? order < other.order : mine < theirs
        }
    }

    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    private var heap: [Event] = []
    private var order = 0

    mutating func schedule(at: MonotonicTime, _ action: @escaping () -> Void) {
        order += 1
        heap.append(Event(at: max(at, now), order: order, action: action))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the next event, and lets the time pass until it.
    mutating func next() -> (() -> Void)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            let (left, right) = (2 * parent + 1, 2 * parent + 2)
            if left < heap.count, heap[left].isBefore(heap[least]) { least = left }
            if right < heap.count, heap[right].isBefore(heap[least]) { least = right }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        now = first.at
        return first.action
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one seed, one run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
