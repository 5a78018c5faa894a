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
        let event = Event(at: max(at, now), order: order, action: action)
        heap.append(event)
        var child = heap.count - 1
        while child > 0, event.isBefore(heap[(child - 1) / 2]) {
            heap[child] = heap[(child - 1) / 2]
            child = (child - 1) / 2
        }
        heap[child] = event
    }

    /// Takes the next event, and lets the time pass until it.
    mutating func next() -> (() -> Void)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        now = first.at
        guard !heap.isEmpty else { return first.action }
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < heap.count else { break }
            if least + 1 < heap.count, heap[least + 1].isBefore(heap[least]) { least += 1 }
            guard heap[least].isBefore(last) else { break }
            heap[parent] = heap[least]
            parent = least
        }
        heap[parent] = last
        return first.action
    }
}
