package import Methods
package import Sales
package import Wire

/// A worker's session with this broker.
///
/// What is asked for every call is a mutating function although it only reads: those work in place, where the others
/// get a copy of all this from the array.
package struct WorkerState {
    package let identity: PeerIdentity
    package let name: String
    /// Of the ledger whose fences it claims.
    package var incarnation: String
    package let methods: MethodSet
    /// It can own partitions; a host of services without keys cannot.
    package let canOwn: Bool
    /// Calls it takes at a time, per priority and then streams, and how many it has.
    package let credit: InlineArray<4, Int32>
    package var used: InlineArray<4, Int32>
    /// Services that it has but that do not serve now.
    package var notServing: Set<String> = []
    package var reading = ReadingProof()
    package var lastSeen: MonotonicTime
    package var isFit = true
    /// It has said that it could become an owner; and that it has ever said so.
    package var canTake = false
    package var couldTake = false
    package let joinedAt: MonotonicTime
    package var isDraining = false
    package var leaseLeft: Int64?
    /// Calls it has, oldest first.
    package var inFlight = CallList()
    /// Calls that wait for its credit, per priority.
    private(set) var waiting: [FairQueue]
    /// How many wait.
    private(set) var waitingCount = 0
    /// Gates it keeps closed here.
    package var gates: Set<Gate.Key> = []
    package var answers: Int64 = 0
    package var rate = RateMeter()

    package init(identity: PeerIdentity, ready: Ready, now: MonotonicTime) {
        self.identity = identity
        name = ready.name
        incarnation = ready.incarnation
        methods = MethodSet(ready.methods)
        canOwn = ready.partitions > 0
        credit = InlineArray { $0 < ready.credit.count ? max(0, ready.credit[$0]) : 0 }
        used = InlineArray(repeating: 0)
        waiting = Array(repeating: FairQueue(), count: Priority.allCases.count)
        lastSeen = now
        joinedAt = now
    }

    /// The class of credit that streams use, whatever their priority.
    package static let streamClass = 3
    /// Bytes on their way to a worker that has not read for a while. Beyond them its calls wait.
    package static let maximumUnread = 64 << 20

    package var load: Int32 { used[0] + used[1] + used[2] + used[3] }
    @inline(__always)
    package func hasCredit(_ creditClass: Int) -> Bool {
        used[creditClass] < credit[creditClass] && reading.unread < Self.maximumUnread
    }
    /// How many calls it has, if it takes one more of the method. One that is unfit has lost the ledger, not its wits:
    /// it is asked when nobody else can be, and knows best what it cannot do.
    package mutating func loadIfFree(for method: MethodID, _ creditClass: Int) -> Int32? {
        guard !isDraining, hasCredit(creditClass), methods.contains(method) else { return nil }
        return isFit ? load : load + Self.unfitness
    }

    /// More than every load: a unit of unfitness outweighs all calls.
    private static let unfitness = Int32(1) << 30

    /// Notes a sign of life if it is this worker's.
    package mutating func isHeard(_ sender: PeerIdentity, _ now: MonotonicTime) -> Bool {
        guard identity == sender else { return false }
        lastSeen = now
        return true
    }

    // MARK: Its calls

    package mutating func answered() {
        answers += 1
        rate.add()
    }

    /// Why a call is not handed over.
    package enum Objection {
        case unknownMethod
        case noCredit
    }

    /// Hands a call over, unless there is an objection.
    package mutating func take(
        _ slot: Int32, of method: MethodID, _ creditClass: Int, _ links: inout CallLinks
    ) -> Objection? {
        guard methods.contains(method) else { return .unknownMethod }
        guard hasCredit(creditClass) else { return .noCredit }
        used[creditClass] += 1
        links.append(slot, to: &inFlight)
        return nil
    }

    /// It has the call no longer.
    package mutating func release(_ slot: Int32, _ creditClass: Int, _ links: inout CallLinks) {
        links.remove(slot, from: &inFlight)
        used[creditClass] -= 1
    }

    /// A call waits for its credit.
    package mutating func wait(_ slot: Int32, of client: Int32, _ priority: Int, _ links: inout CallLinks) {
        waiting[priority].append(slot, of: client, &links)
        waitingCount += 1
    }

    /// A call waits no longer.
    package mutating func stopWaiting(
        _ slot: Int32, of client: Int32, _ priority: Int, _ links: inout CallLinks
    ) {
        waiting[priority].remove(slot, of: client, &links)
        waitingCount -= 1
    }

    /// The call that goes next, high priorities first, if one waits that there is credit for.
    package mutating func next() -> Int32? {
        guard waitingCount > 0 else { return nil }
        for priority in waiting.indices.reversed() {
            let slot = waiting[priority].first
            if slot >= 0, hasCredit(priority) { return slot }
        }
        return nil
    }
}

/// A gate that is closed.
package struct Gate {
    package struct Key: Hashable {
        let method: MethodID
        let routing: RoutingKey
    }

    package let worker: Int32
    package let partition: Int16
    package let fence: Fence
    package let change: Int64
    package let reason: Reason
    /// Calls that pass before it refuses.
    package var passes: Int32
    /// What it answers beside the reason; nil when that says all.
    package let body: [UInt8]?
    /// The gate is a lease: open from then on unless it is repeated.
    package let lapses: MonotonicTime
}

/// Events per second, over the last second or two.
package struct RateMeter {
    private var count: Int64 = 0
    private var since: MonotonicTime?
    private(set) var perSecond: Double = 0

    package mutating func add() { count += 1 }

    /// Called about once a second.
    package mutating func turn(_ now: MonotonicTime) {
        if let since, now > since {
            perSecond = Double(count) * 1e9 / Double((now - since).nanoseconds)
        }
        since = now
        count = 0
    }
}
