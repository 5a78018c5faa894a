import Wire

/// A binary heap of due times, earliest first. Cancelled timers stay until they are due and are skipped.
struct TimerHeap {
    private var entries: [(due: MonotonicTime, id: EventLoop.TimerID)] = []

    var first: MonotonicTime? { entries.first?.due }

    mutating func push(_ due: MonotonicTime, _ id: EventLoop.TimerID) {
        entries.append((due, id))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes and returns the earliest timer if it is due.
    mutating func popDue(_ now: MonotonicTime) -> EventLoop.TimerID? {
        guard let first = entries.first, first.due <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].due < entries[smallest].due { smallest = child }
            }
            guard smallest != parent else { break }
            entries.swapAt(parent, smallest)
            parent = smallest
        }
        return first.id
    }
}
