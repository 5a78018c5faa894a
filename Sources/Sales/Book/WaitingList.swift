import PlantedBugs

/// Who waits for units of a sale's lane, in order of arrival: the order of their entries.
struct WaitingList: Sendable {
    struct Wait: Equatable, Sendable {
        let sequence: Int64
        let quantity: Int32
    }

    /// Those before `head` are gone, so that the first one leaves without moving all others.
    private var waits: [Wait] = []
    private var head = 0
    /// How many want so many units: tells without a search that nobody fits. A sale has as many as its limit at most.
    private var wanted: [Int32: Int] = [:]
    /// Units that each buyer waits for.
    private var units: [BuyerID: Int32] = [:]

    var count: Int { waits.count - head }
    var isEmpty: Bool { waits.count == head }
    var first: Wait? { isEmpty ? nil : waits[head] }

    func units(of buyer: BuyerID) -> Int32 { units[buyer] ?? 0 }

    /// Puts a wait where its sequence belongs: nearly always last.
    mutating func insert(_ wait: Wait, of buyer: BuyerID) {
        waits.insert(wait, at: place(of: wait.sequence))
        wanted[wait.quantity, default: 0] += 1
        units[buyer, default: 0] += wait.quantity
    }

    /// - Returns: false when it is not in the list.
    @discardableResult
    mutating func remove(_ sequence: Int64, of buyer: BuyerID) -> Bool {
        let index = place(of: sequence)
        guard index < waits.count, waits[index].sequence == sequence else { return false }
        let wait = waits[index]
        if index - head < waits.count - index {
            for later in stride(from: index, to: head, by: -1) { waits[later] = waits[later - 1] }
            head += 1
            dropGone()
        } else {
            waits.remove(at: index)
        }
        wanted[wait.quantity] = wanted[wait.quantity].flatMap { $0 > 1 ? $0 - 1 : nil }
        units[buyer] = units[buyer].flatMap { $0 > wait.quantity ? $0 - wait.quantity : nil }
        return true
    }

    private mutating func dropGone() {
        guard head > 1_024, head * 2 > waits.count else { return }
        waits.removeFirst(head)
        head = 0
    }

    /// How many are before this one; nil when it is not in the list.
    func ahead(of sequence: Int64) -> Int? {
        let index = place(of: sequence)
        return index < waits.count && waits[index].sequence == sequence ? index - head : nil
    }

    /// The first who wants no more than these units.
    func first(fitting left: Int64) -> Wait? {
        guard wanted.keys.contains(where: { Int64($0) <= left }) else { return nil }
        if isPlanted(.lastInLine) { return waits[head...].last { Int64($0.quantity) <= left } }
        return waits[head...].first { Int64($0.quantity) <= left }
    }

    /// Where a wait with this sequence is or would be.
    private func place(of sequence: Int64) -> Int {
        var (low, high) = (head, waits.count)
        while low < high {
            let middle = (low + high) / 2
            if waits[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
