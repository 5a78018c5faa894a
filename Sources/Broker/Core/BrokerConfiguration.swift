public import Wire

/// Every bound and interval of a broker.
public struct BrokerConfiguration: Sendable {
    /// Shown in status and logs.
    public var name: String
    /// Lifetime of the workers' leases. Liveness (one TTL without a sign), parking (TTL + 1 s) and the
    /// broker's silence about membership after its start (one TTL) follow from it.
    public var leaseTTL: TimeAmount
    /// Calls that the broker holds at a time, parked ones and streams included.
    public var maximumCalls = 163_840
    /// Of these, streams: the rest is for unary calls alone.
    public var maximumStreams = 131_072
    /// Of these, calls of one client, and never more than there are free slots: so nobody takes the last one
    /// (dynamic thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking 6, 1998).
    public var maximumCallsPerClient = 32_768
    /// Of these, calls that wait for a partition's owner.
    public var maximumParked = 32_768
    /// Bytes of calls that are kept because they may have to be sent later or again. One client has never more
    /// than is free.
    public var maximumKeptBytes = 256 << 20
    /// Bytes of answers that one client may leave unread, and all together; one never more than is free.
    public var maximumUnreadBytesPerClient = 16 << 20
    public var maximumUnreadBytes = 512 << 20
    /// The longest that a call waits for a worker's credit by the rate that the worker has shown; what would
    /// wait longer is refused at once.
    public var longestWait = TimeAmount.seconds(1)
    /// Messages that leave together at most; a turn that decides more sends in between.
    public var maximumBatch = 1_024
    public var maximumClients = 10_000
    public var maximumWorkers = 1_000
    /// A client that says nothing for so long and waits for nothing is forgotten.
    public var clientIdleTime = TimeAmount.seconds(60)
    /// A client with a stream open that says nothing for so long is gone. It is asked after a third of it.
    public var streamSilence = TimeAmount.seconds(15)
    /// Keeps callers from guessing the broker's own numbers. The shell draws it; a test may fix it.
    public var secret: UInt64 = 0
    /// How long a gate stays closed after the worker last said so, measured from the broker's beat that the
    /// worker echoed: delays on the way shorten a gate, never lengthen it.
    public var gateLease = TimeAmount.milliseconds(500)

    public init(name: String, leaseTTL: TimeAmount = .seconds(3)) {
        precondition(leaseTTL > .zero, "a lease needs a lifetime above zero")
        self.name = name
        self.leaseTTL = leaseTTL
    }

    /// Between two beats of a broker to its workers. Short enough that a gate, which must be repeated within
    /// `gateLease` of the beat it echoes, survives a lost one.
    public var beatInterval: TimeAmount { min(.milliseconds(100), leaseTTL / 6) }
    /// A worker that says nothing for so long is lost.
    public var workerSilence: TimeAmount { leaseTTL }
    /// The longest that a call waits for its partition to find an owner.
    public var parkingTime: TimeAmount { leaseTTL + .seconds(1) }
    /// How long a new broker says nothing about membership: by then every live worker has found it.
    public var quietTime: TimeAmount { leaseTTL }
}
