import Wire

/// What is going to happen, in order of time; of two things at one time the one that was scheduled first. Time
/// passes only by taking the next.
struct EventQueue {
    private struct Event {
        let at: Int64
        let order: Int
        let action: () -> Void

        @inline(__always)
        func isBefore(_ other: Event) -> Bool { at == other.at ? order < other.order : at < other.at }
    }

    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    private var heap: [Event] = []
    private var order = 0

    mutating func schedule(at moment: MonotonicTime, _ action: @escaping () -> Void) {
        order += 1
        let event = Event(at: max(moment, now).nanoseconds, order: order, action: action)
        heap.append(event)
        var child = heap.count - 1
        while child > 0, event.isBefore(heap[(child - 1) / 2]) {
            heap[child] = heap[(child - 1) / 2]
            child = (child - 1) / 2
        }
        heap[child] = event
    }

    /// Takes the next event unless it lies after `end`, and lets the time pass until it.
    mutating func next(until end: MonotonicTime) -> (() -> Void)? {
        guard let first = heap.first, first.at <= end.nanoseconds, let last = heap.popLast() else {
            now = max(now, end)
            return nil
        }
        now = MonotonicTime(nanoseconds: first.at)
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

    /// Forgets everything that is still to happen.
    mutating func removeAll() { heap = [] }
}
