import PlantedBugs
package import Wire

/// A call that the broker holds. A plain value: the table has its slots from the start.
package struct Call {
    /// Who asked, and by what name.
    package var client: Int32 = -1
    package var clientCallID: UInt64 = 0
    package var method = MethodID(rawValue: 0)
    package var routing = RoutingKey(sale: 0, lane: 0)
    /// -1 for a free call.
    package var partition: Int16 = -1
    package var priority = Priority.normal
    /// Has a request key, so an owner that sees it twice answers the same: it may be sent again.
    package var isRepeatable = false
    /// Somebody had it and may have run it. Never taken back while the call lives.
    package var isMaybe = false
    /// Times it was handed back.
    package var returns: UInt8 = 0
    /// Times its worker was lost or superseded while it had the call.
    package var losses: UInt8 = 0
    package var place = Place.free
    /// The worker that has it or is to get it.
    package var worker: Int32 = -1
    package var deadline = MonotonicTime.distantFuture
    /// Nil for a unary call.
    package var stream: StreamState?
    /// Bytes that the broker keeps of it; 0 when it keeps none.
    package var keptBytes: Int32 = 0
    /// Distinguishes this call from earlier ones in the same slot.
    package var generation: UInt32 = 0

    /// A call that comes back so often ends: nobody takes it.
    package static let maximumReturns = 8
    /// A call that so many workers were lost with ends: it may be what they are lost by.
    package static let maximumLosses = 3

    /// Whose credit at the worker it uses.
    package var creditClass: Int { stream == nil ? Int(priority.rawValue) : WorkerState.streamClass }

    /// Where a call is; each but `free` is a list that the call is on.
    package enum Place: UInt8 {
        case free
        /// Waits to learn which partition it belongs to: no worker has come yet.
        case unplaced
        /// Waits for its partition to get an owner.
        case parked
        /// Waits for its worker to have credit.
        case waiting
        /// With its worker.
        case inFlight
        /// With the broker itself: somebody watches a service's health.
        case watching
    }
}

/// The calls that a broker holds: a fixed number of slots.
package struct CallTable {
    private(set) var calls: [Call]
    /// The one list that each call is on by its place.
    package var places: CallLinks
    /// The calls of each client.
    package var byClient: CallLinks
    private var freeSlots: [Int32]
    private var index: CallIndex

    /// - Parameter secret: keeps callers from choosing names that collide.
    package init(capacity: Int, secret: UInt64 = 0) {
        calls = Array(repeating: Call(), count: capacity)
        places = CallLinks(capacity: capacity)
        byClient = CallLinks(capacity: capacity)
        freeSlots = (0..<Int32(capacity)).reversed()
        index = CallIndex(secret: secret)
    }

    package var capacity: Int { calls.count }
    package var count: Int { calls.count - freeSlots.count }

    package subscript(slot: Int32) -> Call {
        _read { yield calls[Int(slot)] }
        _modify { yield &calls[Int(slot)] }
    }

    /// Takes a free slot, or nil when the broker is full.
    package mutating func insert(_ call: Call) -> Int32? {
        guard let slot = freeSlots.popLast() else { return nil }
        let generation = calls[Int(slot)].generation &+ 1
        calls[Int(slot)] = call
        // Zero would make an id of zero in slot 0, which the protocol keeps for "no call".
        calls[Int(slot)].generation = generation == 0 ? 1 : generation
        index.insert(slot, calls)
        return slot
    }

    package mutating func free(_ slot: Int32) {
        precondition(calls[Int(slot)].place == .free, "a call is freed while it is on a list")
        index.remove(slot, calls)
        freeSlots.append(slot)
    }

    /// What the call is named towards workers.
    package func id(of slot: Int32) -> UInt64 {
        UInt64(UInt32(slot)) << 32 | UInt64(calls[Int(slot)].generation)
    }

    /// The slot of a call by that name, unless it is over.
    package func slot(of id: UInt64) -> Int32? {
        let index = id >> 32
        guard index < UInt64(calls.count) else { return nil }
        guard calls[Int(index)].place != .free,
            calls[Int(index)].generation == UInt32(truncatingIfNeeded: id) || isPlanted(.anyAnswerCounts)
        else { return nil }
        return Int32(index)
    }

    /// The slot of a client's call by the client's own name for it, unless it is over.
    package func slot(of callID: UInt64, client: Int32) -> Int32? { index.find(callID, client, calls) }

    /// A new name for a call that is sent a second time, so that a late answer of the first is not taken for one.
    package mutating func renew(_ slot: Int32) {
        calls[Int(slot)].generation &+= 1
        if calls[Int(slot)].generation == 0 { calls[Int(slot)].generation = 1 }
    }
}
