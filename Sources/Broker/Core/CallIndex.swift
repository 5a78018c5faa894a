import Resilience

/// Finds a client's call by the client's own name for it: open addressing with linear probing, and removal
/// that shifts back (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). The names stand in the call
/// table; here are slots, and hashes, so that a search looks at no other call than the one it finds.
///
/// Names scatter over all of it, so it is kept as small as the calls of the moment allow: what stays in the
/// processor's cache is what makes it fast. It doubles when it is half full and never shrinks, so that it
/// allocates a few times in a broker's life.
package struct CallIndex {
    private struct Entry {
        /// -1 for an empty place.
        var slot: Int32 = -1
        var hash: UInt32 = 0
    }

    private var entries: [Entry]
    private var mask: UInt32
    private var count = 0
    /// Mixed into every hash: callers choose the names, and must not choose where they fall.
    private let secret: UInt64

    private static let smallest = 1_024

    package init(secret: UInt64) {
        entries = Array(repeating: Entry(), count: Self.smallest)
        mask = UInt32(Self.smallest - 1)
        self.secret = secret
    }

    private func hash(_ callID: UInt64, _ client: Int32) -> UInt32 {
        // Twice, so that no two names differ by what no secret changes.
        let scattered = SplitMix64.scatter(callID &+ secret) &+ UInt64(UInt32(bitPattern: client))
        return UInt32(truncatingIfNeeded: SplitMix64.scatter(scattered))
    }

    package func find(_ callID: UInt64, _ client: Int32, _ calls: [Call]) -> Int32? {
        let hash = hash(callID, client)
        var place = hash & mask
        while true {
            let entry = entries[Int(place)]
            guard entry.slot >= 0 else { return nil }
            if entry.hash == hash, calls[Int(entry.slot)].clientCallID == callID,
                calls[Int(entry.slot)].client == client
            {
                return entry.slot
            }
            place = (place &+ 1) & mask
        }
    }

    package mutating func insert(_ slot: Int32, _ calls: [Call]) {
        if 2 * (count + 1) > entries.count { double() }
        count += 1
        put(Entry(slot: slot, hash: hash(calls[Int(slot)].clientCallID, calls[Int(slot)].client)))
    }

    private mutating func put(_ entry: Entry) {
        var place = entry.hash & mask
        while entries[Int(place)].slot >= 0 { place = (place &+ 1) & mask }
        entries[Int(place)] = entry
    }

    private mutating func double() {
        let old = entries
        entries = Array(repeating: Entry(), count: 2 * old.count)
        mask = UInt32(entries.count - 1)
        for entry in old where entry.slot >= 0 { put(entry) }
    }

    package mutating func remove(_ slot: Int32, _ calls: [Call]) {
        count -= 1
        var hole = hash(calls[Int(slot)].clientCallID, calls[Int(slot)].client) & mask
        while entries[Int(hole)].slot != slot {
            precondition(entries[Int(hole)].slot >= 0, "a call is removed that is not there")
            hole = (hole &+ 1) & mask
        }
        var place = hole
        while true {
            entries[Int(hole)].slot = -1
            // Whoever stands behind the hole and did not want to be further back moves into it.
            repeat {
                place = (place &+ 1) & mask
                guard entries[Int(place)].slot >= 0 else { return }
            } while isBetween(hole, entries[Int(place)].hash & mask, place)
            entries[Int(hole)] = entries[Int(place)]
            hole = place
        }
    }

    /// Whether `home` lies cyclically in `(hole, place]`.
    private func isBetween(_ hole: UInt32, _ home: UInt32, _ place: UInt32) -> Bool {
        hole <= place ? hole < home && home <= place : hole < home || home <= place
    }
}
