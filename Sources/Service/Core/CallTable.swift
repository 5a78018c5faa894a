import Wire

/// The calls in hand: those whose handlers run, also when nobody waits for them any more.
struct CallTable {
    struct Call {
        var generation: UInt32 = 0
        var state = State.free
        var broker = 0
        /// The broker's name for it.
        var callID: UInt64 = 0
        var deadline = MonotonicTime.distantFuture
        var isStream = false
        /// Items that came, and how many may come in all.
        var received: UInt32 = 0
        var granted: UInt32 = 0
        var hasAllItems = false
        /// Items that went, and how many may go in all.
        var sent: UInt32 = 0
        var credit: UInt32 = 0
    }

    enum State {
        case free
        /// A handler runs, and somebody waits for its answer.
        case running
        /// A handler still runs, but its answer is not wanted: the call was cancelled, timed out or lost.
        case abandoned
    }

    private(set) var calls: [Call] = []
    private var free: [Int32] = []
    private let capacity: Int
    /// Calls whose answer is awaited.
    private(set) var runningCount = 0

    init(capacity: Int) { self.capacity = capacity }

    subscript(slot: Int) -> Call {
        get { calls[slot] }
        _modify { yield &calls[slot] }
    }

    /// Nil when the table is full.
    mutating func take() -> Int? {
        let slot: Int
        if let last = free.popLast() {
            slot = Int(last)
        } else if calls.count < capacity {
            slot = calls.count
            calls.append(Call())
        } else {
            return nil
        }
        calls[slot].state = .running
        runningCount += 1
        return slot
    }

    /// The call is over for its caller, but its handler is not.
    mutating func abandon(_ slot: Int) {
        precondition(calls[slot].state == .running, "abandoned a call that is \(calls[slot].state)")
        calls[slot].state = .abandoned
        runningCount -= 1
    }

    /// The handler has returned.
    mutating func release(_ slot: Int) {
        if calls[slot].state == .running { runningCount -= 1 }
        let generation = calls[slot].generation &+ 1
        calls[slot] = Call()
        calls[slot].generation = generation
        free.append(Int32(slot))
    }

    func token(_ slot: Int) -> CallToken {
        CallToken(slot: Int32(slot), generation: calls[slot].generation)
    }

    /// The slot of a call whose handler has not returned.
    func slot(_ token: CallToken) -> Int? {
        let slot = Int(token.slot)
        return calls[slot].generation == token.generation && calls[slot].state != .free ? slot : nil
    }
}
