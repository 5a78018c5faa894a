/// The places of the call table: who is admitted gets one, with a generation that nobody had before.
///
/// Calling tasks are seated before the I/O thread has heard of them, so that what they say next, a cancellation
/// or an item, names the place and nobody has to search for it.
struct Seats: Sendable {
    let limit: Int
    private var free: [Int32] = []
    /// Places that were ever taken.
    private var opened = 0
    private var generation: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    var taken: Int { opened - free.count }

    /// Nil when every place is taken.
    mutating func take() -> CallID? {
        let slot: Int
        if let used = free.popLast() {
            slot = Int(used)
        } else {
            guard opened < limit else { return nil }
            slot = opened
            opened += 1
        }
        generation = generation == CallID.maximumGeneration ? 1 : generation + 1
        return CallID(generation: generation, slot: slot)
    }

    mutating func give(back slots: [Int32]) { free.append(contentsOf: slots) }
}
