/// Finds a client's call by the client's own name for it: open addressing with linear probing, and removal
/// that shifts back (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). The names stand in the call
/// table; here are only slots.
///
/// Names scatter over all of it, so it is kept as small as the calls of the moment allow: what stays in the
/// processor's cache is what makes it fast. It doubles when it is half full and never shrinks, so that it
/// allocates a few times in a broker's life.
struct CallIndex {
    private var slots: [Int32]
    private var mask: Int
    private var count = 0
    /// Multiplicative hashing by an odd number that callers do not know: they choose the names.
    private let multiplier: UInt64

    private static let smallest = 1_024

    init(secret: UInt64) {
        slots = Array(repeating: -1, count: Self.smallest)
        mask = Self.smallest - 1
        multiplier = (secret ^ 0x9e37_79b9_7f4a_7c15) | 1
    }

    private func home(_ callID: UInt64, _ client: Int32) -> Int {
        let mixed = (callID ^ UInt64(UInt32(bitPattern: client)) << 32) &* multiplier
        return Int(truncatingIfNeeded: (mixed ^ mixed >> 29) &* multiplier >> 32) & mask
    }

    func find(_ callID: UInt64, _ client: Int32, _ calls: [Call]) -> Int32? {
        var place = home(callID, client)
        while true {
            let slot = slots[place]
            guard slot >= 0 else { return nil }
            if calls[Int(slot)].clientCallID == callID, calls[Int(slot)].client == client { return slot }
            place = (place + 1) & mask
        }
    }

    mutating func insert(_ slot: Int32, _ calls: [Call]) {
        if 2 * (count + 1) > slots.count { double(calls) }
        count += 1
        put(slot, calls)
    }

    private mutating func put(_ slot: Int32, _ calls: [Call]) {
        var place = home(calls, slot)
        while slots[place] >= 0 { place = (place + 1) & mask }
        slots[place] = slot
    }

    private mutating func double(_ calls: [Call]) {
        let old = slots
        slots = Array(repeating: -1, count: 2 * old.count)
        mask = slots.count - 1
        for slot in old where slot >= 0 { put(slot, calls) }
    }

    mutating func remove(_ slot: Int32, _ calls: [Call]) {
        count -= 1
        var hole = home(calls[Int(slot)].clientCallID, calls[Int(slot)].client)
        while slots[hole] != slot { hole = (hole + 1) & mask }
        var place = hole
        while true {
            slots[hole] = -1
            // Whoever stands behind the hole and did not want to be further back moves into it.
            repeat {
                place = (place + 1) & mask
                guard slots[place] >= 0 else { return }
            } while isBetween(hole, home(calls, slots[place]), place)
            slots[hole] = slots[place]
            hole = place
        }
    }

    private func home(_ calls: [Call], _ slot: Int32) -> Int {
        home(calls[Int(slot)].clientCallID, calls[Int(slot)].client)
    }

    /// Whether `home` lies cyclically in `(hole, place]`.
    private func isBetween(_ hole: Int, _ home: Int, _ place: Int) -> Bool {
        hole <= place ? hole < home && home <= place : hole < home || home <= place
    }
}
