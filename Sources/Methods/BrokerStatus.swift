public import Sales

/// What a broker sees: its workers, who owns which partition, its gates and rates.
public struct BrokerStatus: Equatable, Sendable {
    public var name: String
    public var uptimeMilliseconds: Int64
    public var clients: Int64
    /// Calls that await an answer, parked ones included.
    public var inFlight: Int64
    public var parked: Int64
    /// Since start.
    public var calls: Int64
    public var malformed: Int64
    /// Answered by a gate since start.
    public var gateRefusals: Int64
    /// Calls a second, over the last seconds.
    public var rate: Int64
    public var workers: [Worker]
    public var partitions: [PartitionOwner]
    public var gates: [Gate]

    public struct Worker: Equatable, Sendable {
        public var name: String
        public var inFlight: Int64
        public var calls: Int64
        /// Answers a second, over the last seconds.
        public var rate: Int64
        /// Shortest time left of its leases, in milliseconds; nil when it holds none.
        public var leaseLeftMilliseconds: Int64?
        /// "fit", "unfit" or "draining".
        public var state: String
        /// False for a host of services, which takes no partitions.
        public var canOwn: Bool

        public init(
            name: String, inFlight: Int64, calls: Int64, rate: Int64, leaseLeftMilliseconds: Int64?,
            state: String, canOwn: Bool = true
        ) {
            self.name = name
            self.inFlight = inFlight
            self.calls = calls
            self.rate = rate
            self.leaseLeftMilliseconds = leaseLeftMilliseconds
            self.state = state
            self.canOwn = canOwn
        }
    }

    public struct PartitionOwner: Equatable, Sendable {
        public var partition: Partition
        public var owner: String?
        /// Highest fence heard.
        public var fence: Fence
        public var parked: Int64

        public init(partition: Partition, owner: String?, fence: Fence, parked: Int64) {
            self.partition = partition
            self.owner = owner
            self.fence = fence
            self.parked = parked
        }
    }

    /// A closed gate: this sale is answered "sold out" at the door.
    public struct Gate: Equatable, Sendable {
        public var sale: SaleID
        public var lane: Lane
        public var partition: Partition

        public init(sale: SaleID, lane: Lane, partition: Partition) {
            self.sale = sale
            self.lane = lane
            self.partition = partition
        }
    }

    public init(
        name: String, uptimeMilliseconds: Int64, clients: Int64, inFlight: Int64, parked: Int64, calls: Int64,
        malformed: Int64, gateRefusals: Int64, rate: Int64, workers: [Worker], partitions: [PartitionOwner],
        gates: [Gate]
    ) {
        self.name = name
        self.uptimeMilliseconds = uptimeMilliseconds
        self.clients = clients
        self.inFlight = inFlight
        self.parked = parked
        self.calls = calls
        self.malformed = malformed
        self.gateRefusals = gateRefusals
        self.rate = rate
        self.workers = workers
        self.partitions = partitions
        self.gates = gates
    }
}
