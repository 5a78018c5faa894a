import Wire

/// Which broker reached the owner of a key when another could not.
///
/// Holds exceptions only: brokers that reach every owner share the calls evenly, and nothing is looked up. An
/// entry lapses, so that the load spreads again when the trouble is over; while it is not, that costs one
/// retry per key and lapse. Bounded: the key that was used longest ago makes room.
struct BrokerMemory: Sendable {
    /// What the brokers route by.
    struct Key: Hashable, Sendable {
        var routing: RoutingKey
        /// `routing.sale` is a partition number.
        var isPartition: Bool
    }

    private struct Entry: Sendable {
        var key: Key
        var broker: Int
        var until: MonotonicTime
        /// Neighbours in the order of use; -1 at the ends.
        var newer: Int32
        var older: Int32
    }

    static let lapse = TimeAmount.seconds(10)
    private let limit: Int
    private var places: [Key: Int32] = [:]
    private var entries: [Entry] = []
    private var newest: Int32 = -1
    private var oldest: Int32 = -1
    private var free: [Int32] = []

    init(limit: Int = 4_096) {
        precondition(limit > 0, "a memory of \(limit) keys")
        self.limit = limit
    }

    var isEmpty: Bool { places.isEmpty }
    var count: Int { places.count }

    /// The broker that is preferred for a key now.
    mutating func broker(for key: Key, now: MonotonicTime) -> Int? {
        guard let place = places[key] else { return nil }
        guard entries[Int(place)].until > now else {
            remove(place)
            return nil
        }
        unlink(place)
        linkNewest(place)
        return entries[Int(place)].broker
    }

    mutating func remember(_ broker: Int, for key: Key, now: MonotonicTime) {
        if let place = places[key] { remove(place) }
        if places.count == limit { remove(oldest) }
        let entry = Entry(key: key, broker: broker, until: now + BrokerMemory.lapse, newer: -1, older: -1)
        let place: Int32
        if let used = free.popLast() {
            place = used
            entries[Int(place)] = entry
        } else {
            place = Int32(entries.count)
            entries.append(entry)
        }
        places[key] = place
        linkNewest(place)
    }

    /// Forgets a key if it is `broker` that is remembered for it: that one failed, too.
    mutating func forget(_ broker: Int, for key: Key) {
        guard let place = places[key], entries[Int(place)].broker == broker else { return }
        remove(place)
    }

    private mutating func remove(_ place: Int32) {
        unlink(place)
        places[entries[Int(place)].key] = nil
        free.append(place)
    }

    private mutating func linkNewest(_ place: Int32) {
        entries[Int(place)].newer = -1
        entries[Int(place)].older = newest
        if newest >= 0 { entries[Int(newest)].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int32) {
        let entry = entries[Int(place)]
        if entry.newer >= 0 { entries[Int(entry.newer)].older = entry.older } else { newest = entry.older }
        if entry.older >= 0 { entries[Int(entry.older)].newer = entry.newer } else { oldest = entry.newer }
    }
}
