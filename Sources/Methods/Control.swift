public import Sales
public import Wire

/// What a worker says of itself when its session begins.
public struct Ready: Hashable, Sendable {
    public var name: String
    /// Which database this worker's fences come from: system identifier and timeline.
    public var incarnation: String
    /// Number of partitions and hash, as stored in the ledger. A broker serves one such pair.
    public var partitions: Int32
    public var hash: String
    /// What this worker serves.
    public var methods: [MethodID]
    /// Calls it takes at a time, per priority.
    public var credit: [Int32]
    /// Lifetime of its leases, in milliseconds. Parking and liveness follow from it.
    public var leaseTTL: Int64

    public init(
        name: String, incarnation: String, partitions: Int32, hash: String, methods: [MethodID],
        credit: [Int32],
        leaseTTL: Int64
    ) {
        self.name = name
        self.incarnation = incarnation
        self.partitions = partitions
        self.hash = hash
        self.methods = methods
        self.credit = credit
        self.leaseTTL = leaseTTL
    }
}

/// A worker's heartbeat. Its header echoes the stamp of the last beat of the broker in `callID`.
public struct WorkerBeat: Hashable, Sendable {
    /// Its last fence check succeeded within a second.
    public var isFit: Bool
    /// Shortest time left of its leases, in milliseconds; nil without leases.
    public var leaseLeft: Int64?
    /// All gates it keeps closed; what is not listed is open.
    public var gates: [ClosedGate]

    /// Services that it has and that do not serve now, at most `maximumServices`.
    public var notServing: [String]
    /// It could become the owner of a partition: it reaches the ledger. One on probation can, too.
    public var canTake: Bool

    public static let maximumServices = 64
    /// Most gates in one beat; the others stay open, which is always safe.
    public static let maximumGates = 500

    public init(
        isFit: Bool, leaseLeft: Int64?, gates: [ClosedGate], notServing: [String] = [], canTake: Bool = true
    ) {
        self.isFit = isFit
        self.leaseLeft = leaseLeft
        self.gates = gates
        self.notServing = notServing
        self.canTake = canTake
    }
}

/// A gate that its owner keeps closed: the broker answers `reason` for it.
public struct ClosedGate: Hashable, Sendable {
    public var method: MethodID
    public var routing: RoutingKey
    public var partition: Partition
    public var fence: Fence
    /// Grows with every change of the gate under one fence: the sequence of the last committed entry.
    public var change: Int64
    public var reason: Reason
    /// What its refusals tell of units that may come back.
    public var outlook: Outlook?
    /// So many calls pass before it refuses: as many as units have come back. A beat says anew how many.
    public var passes: Int32

    public init(
        method: MethodID, routing: RoutingKey, partition: Partition, fence: Fence, change: Int64,
        reason: Reason, outlook: Outlook? = nil, passes: Int32 = 0
    ) {
        self.outlook = outlook
        self.passes = passes
        self.method = method
        self.routing = routing
        self.partition = partition
        self.fence = fence
        self.change = change
        self.reason = reason
    }
}

/// A broker's heartbeat to a worker. Its header carries the broker's own clock in `callID`.
public struct BrokerBeat: Hashable, Sendable {
    /// Names of the workers that are live and fit; nil while the broker is too young to say.
    public var live: [String]?
    /// Partitions without an owner; nil likewise.
    public var unowned: [Partition]?
    /// Of these, partitions whose owner's connection was seen to end, at most `maximumDead`: a successor need not wait
    /// for such a lease to run out.
    public var dead: [DeadHolder]

    /// Most dead holders in one beat. The leases of the others run out.
    public static let maximumDead = 500

    public init(live: [String]?, unowned: [Partition]?, dead: [DeadHolder] = []) {
        self.live = live
        self.unowned = unowned
        self.dead = dead
    }
}

/// Who held a partition's lease when its connection ended.
public struct DeadHolder: Hashable, Sendable {
    public var partition: Partition
    public var token: HolderToken

    public init(partition: Partition, token: HolderToken) {
        self.partition = partition
        self.token = token
    }
}

/// What the Redis nodes know the holder of a lease by. Whoever knows it can release the lease, so it is for workers and
/// brokers alone.
public struct HolderToken: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt128 { UInt128(high) << 64 | UInt128(low) }
    // Two words, as in `RequestKey`.
    private let high: UInt64
    private let low: UInt64

    public init(rawValue: UInt128) {
        high = UInt64(truncatingIfNeeded: rawValue >> 64)
        low = UInt64(truncatingIfNeeded: rawValue)
    }
}

/// A worker owns a partition and has loaded its book. Carries the gates that are closed from the start.
public struct Own: Hashable, Sendable {
    public var partition: Partition
    public var fence: Fence
    public var incarnation: String
    public var gates: [ClosedGate]
    /// Of the owner's lease; nil when it has none.
    public var holder: HolderToken?

    public init(
        partition: Partition, fence: Fence, incarnation: String, gates: [ClosedGate],
        holder: HolderToken? = nil
    ) {
        self.partition = partition
        self.fence = fence
        self.incarnation = incarnation
        self.gates = gates
        self.holder = holder
    }
}

/// A worker no longer serves a partition.
public struct Disown: Hashable, Sendable {
    public var partition: Partition
    public var fence: Fence

    public init(partition: Partition, fence: Fence) {
        self.partition = partition
        self.fence = fence
    }
}
