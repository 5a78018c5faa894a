public import Digests
public import Redis
public import Wire
public import ZeroMQ

/// Every bound and interval of a worker.
public struct WorkerConfiguration: Sendable {
    /// What happens to an owner whose Redis nodes no longer make a quorum.
    public enum QuorumLossPolicy: String, Sendable, CaseIterable {
        /// It goes on under its fence, which refuses any second writer.
        case `continue`
        /// It stops when its lease runs out.
        case refuse
    }

    /// Unique in the cluster, stable over restarts: rendezvous hashing ranks by it.
    public var name: String
    /// The workers' endpoint of every broker.
    public var brokers: [String]
    public var redis: [RedisAddress]
    public var ledger: String
    public var leaseTTL: TimeAmount
    public var onQuorumLoss = QuorumLossPolicy.continue
    /// For brokers at TCP endpoints, which ask for keys. Unix sockets need none.
    public var keys: ConnectionKeys?
    /// Signs every transaction, so that receipts can be checked by whoever has the public key. Without one, batches are
    /// chained all the same, and receipts say that nobody signed them.
    public var receiptKey: SigningKey?
    /// Calls from all brokers at a time, which bounds what waits for a commit.
    public var credit: Int32 = 4_096
    /// Entries in a transaction; what is over waits for the next.
    public var maximumEntries = 4_096

    public init(
        name: String, brokers: [String], redis: [RedisAddress], ledger: String,
        leaseTTL: TimeAmount = .seconds(3)
    ) {
        self.name = name
        self.brokers = brokers
        self.redis = redis
        self.ledger = ledger
        self.leaseTTL = leaseTTL
    }

    /// Between two beats to a broker.
    package var beatInterval: TimeAmount { min(.milliseconds(100), leaseTTL / 6) }
    /// Between two reads of the own fences.
    package var checkInterval: TimeAmount { .milliseconds(250) }
    /// How long after the sending of its last successful check an owner may say no (promise P7).
    package var freshness: TimeAmount { .milliseconds(500) }
    /// Without a successful check for so long a worker is unfit, and after `giveUpTime` gives its partitions away.
    package var fitness: TimeAmount { .seconds(1) }
    package var giveUpTime: TimeAmount { .seconds(2) }
    /// Between two ticks of a worker that stood still itself.
    package var ownPause: TimeAmount { .milliseconds(200) }
    /// The longest that a worker that lost a partition again and again does not ask for it.
    package var longestRestraint: TimeAmount { .seconds(16) }
    /// A transaction that takes longer makes new requests be refused at once.
    package var slowCommit: TimeAmount { .seconds(1) }
    /// Partitions move to their targets only after the same workers have been live for so long: three beats, by which
    /// all have heard of a change.
    package var settling: TimeAmount { .milliseconds(300) }
    /// A worker that drains gives its partitions up without a successor when none has asked for so long, and at the
    /// latest after so long in all.
    package var drainPatience: TimeAmount { leaseTTL }
    package var longestDrain: TimeAmount { .seconds(20) }
    /// The lease of an owner whose connection has ended is released after so long: a worker that lives and begins a new
    /// session claims its partitions meanwhile.
    package var mourning: TimeAmount { .milliseconds(200) }
    /// Holds that ran out before this owner took over go on for so long: their buyers could not pay.
    public var holdGrace = TimeAmount.seconds(10)
    /// How long a gate opens by count after units began to come back. With the lease of a gate it is less than a second, for
    /// so long "sold out" may be said of what is no longer.
    package var reopening: TimeAmount { .milliseconds(400) }
    /// Rank r tries a free lease after r times this.
    package var rankDelay: TimeAmount { .milliseconds(200) }
    /// Entries per chunk when a book is loaded: a chunk takes a few milliseconds of a turn.
    package var loadChunk: Int { 4_000 }
}
