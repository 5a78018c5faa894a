/// Orders by the time at which something ends for them: a binary heap.
///
/// An order may be in it several times, or no longer have the time that it is in it for: whoever takes one out looks
/// whether it is still due. Nearly always the next one to come in is due last, which costs one comparison.
struct DueOrders: Sendable {
    private var heap: [(due: LedgerTime, order: Int64)] = []

    var first: (due: LedgerTime, order: Int64)? { heap.first }

    mutating func add(_ order: Int64, due: LedgerTime) {
        heap.append((due, order))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].due < heap[least].due { least = child }
            guard least != parent else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
