/// What an episode does to a cluster: how large it is, what load it bears, and which faults come when.
///
/// A plan is a value. Together with a seed it fixes every arrival of the load and every draw of a target.
public struct Plan: Equatable, Sendable {
    public var name: String
    /// One sentence for `--list` and the report.
    public var about = ""
    public var brokers = 2
    public var workers = 3
    public var redis = 5
    public var partitions = 16
    public var leaseTTL = Milliseconds(3_000)
    /// What workers do when the Redis nodes make no quorum: `continue` or `refuse`.
    public var onQuorumLoss = "continue"
    /// Requests a second. They arrive at fixed times, whether or not earlier ones have been answered.
    public var rate = 900
    /// Load before the first fault.
    public var clean = Milliseconds(6_000)
    /// Load after the last fault was healed.
    public var after = Milliseconds(6_000)
    public var faults: [PlannedFault] = []

    public init(name: String) { self.name = name }

    /// Whether processes need the shim that steps their clocks.
    public var stepsClocks: Bool { faults.contains { $0.nemesis == .clock } }

    /// From the first request to the last.
    public var length: Milliseconds {
        let last = faults.map { $0.at.count + $0.lasts.count }.max() ?? 0
        return Milliseconds(clean.count + last + after.count)
    }
}

/// One fault of a plan.
public struct PlannedFault: Equatable, Sendable {
    public var nemesis: Nemesis
    /// Whom it hits; drawn or looked up when it is injected.
    public var target: Target
    /// After the clean phase.
    public var at = Milliseconds(0)
    /// Until it is healed.
    public var lasts = Milliseconds(0)
    /// Which connections of the target are cut, delayed or reset.
    public var link: Link?
    public var direction = Direction.both
    /// How long `delay` holds bytes back, or by how much `clock` steps; negative steps go back.
    public var amount = Milliseconds(0)
    public var clock = ClockKind.wall
    public var disk = DiskTrouble.slow
    /// Whether a transaction that `pause-in-commit` has caught commits while its worker is stopped.
    public var commits = true
    public var expect = Expectation.promises
    /// How long into the fault the expectation begins; nil for the usual time of its kind.
    public var expectFrom: Milliseconds?
    /// The most that may pass until the first success on every affected partition. Nil asks nothing.
    public var recovery: Milliseconds?
    /// Whether that time begins with the healing; else with the fault.
    public var recoversFromHealing = false

    public init(_ nemesis: Nemesis, _ target: Target) {
        self.nemesis = nemesis
        self.target = target
    }
}

/// Thousandths of a second; in plans written as `5s` or `250ms`.
public struct Milliseconds: Hashable, Comparable, Sendable {
    public var count: Int
    public init(_ count: Int) { self.count = count }
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.count < rhs.count }
}

/// What is done to a process, its connections, its disk or its memory.
public enum Nemesis: String, CaseIterable, Sendable {
    /// SIGKILL; the process stays dead until healed.
    case kill
    /// SIGSTOP, and SIGCONT to heal; to Postgres with all its sessions.
    case pause
    /// SIGSTOP to a worker while its transaction waits in Postgres for a lock.
    case pauseInCommit = "pause-in-commit"
    /// SIGSTOP for nine tenths of every 100 ms.
    case starve
    /// Nothing passes a link, in one direction or both. Bytes on their way are kept, as TCP keeps them.
    case cut
    /// Everything that passes a link is late.
    case delay
    /// The connections of a link are closed, once; new ones are let through.
    case reset
    /// Every lease on Redis nodes is deleted, again and again.
    case redisWipe = "redis-wipe"
    /// FLUSHALL on Redis nodes, again and again: what tells a node that forgot from one that knows is gone, too.
    case redisFlush = "redis-flush"
    /// Every lease on Redis nodes gets a token of nobody, again and again.
    case redisForge = "redis-forge"
    /// Every lease on Redis nodes lives for an hour longer, again and again.
    case redisExtend = "redis-extend"
    /// A step of the clock that processes see.
    case clock
    /// Postgres ends at once, without a checkpoint (SIGQUIT), and stays down until healed.
    case postgresStop = "postgres-stop"
    /// System calls of Postgres on its disk are slow or fail.
    case disk
    /// One worker more.
    case join
    /// SIGTERM to a worker, which hands its partitions over; started again to heal.
    case drain
    /// Every worker is drained and started again, one after the other.
    case rollingRestart = "rolling-restart"
}

/// Whom a fault hits.
public enum Target: Equatable, Sendable {
    /// The worker that owns the hot sale.
    case owner
    /// One that is drawn by the seed.
    case any(Kind)
    case number(Kind, Int)
    /// As many as make no majority, drawn by the seed.
    case minority(Kind)
    case majority(Kind)
    case all(Kind)

    public enum Kind: String, CaseIterable, Sendable { case broker, worker, redis, postgres, client }
}

/// Connections between two kinds of processes.
public enum Link: String, CaseIterable, Sendable {
    case workerRedis = "worker-redis"
    case workerPostgres = "worker-postgres"
    case workerBroker = "worker-broker"
    case clientBroker = "client-broker"
}

public enum Direction: String, CaseIterable, Sendable {
    case both
    /// From whom connected: a worker's commands, a client's requests.
    case requests
    case answers
}

public enum ClockKind: String, CaseIterable, Sendable { case wall, monotonic }

public enum DiskTrouble: String, CaseIterable, Sendable {
    /// Every flush takes 200 ms longer.
    case slow
    /// Every write says that the disk is full.
    case full
    /// The next flush fails.
    case error
}

/// What must be seen while a fault lasts, beside the promises that always hold.
public enum Expectation: String, CaseIterable, Sendable {
    case promises
    /// Not one request fails: they may only be late.
    case noFailures = "no-failures"
    /// Sales go on from TTL + 1 s into the fault.
    case sales
    /// From TTL + 1 s into the fault every order is refused as not executed.
    case refusals
    /// From 1 s into the fault no single attempt is answered but with a refusal within 50 ms, and the rate is back
    /// within 3 s.
    case fastRefusals = "fast-refusals"
}
