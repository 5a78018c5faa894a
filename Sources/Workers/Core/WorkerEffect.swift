package import Redlock
package import Sales

/// What the core asks its shell to do, off the hot path. `epoch` comes back with the outcome, so that an
/// outcome of an earlier try is not taken for one of the present.
package enum WorkerEffect: Equatable {
    case acquire(Partition, epoch: UInt32)
    case extend(Partition, epoch: UInt32, Lease)
    case release(Lease)
    /// Release on all nodes, and only then tell the successor.
    case releaseAndAnswer(Lease, ReplyAddress)
    case takeFence(Partition, epoch: UInt32)
    case load(Partition, epoch: UInt32, after: Int64)
    case own(Partition)
    case disown(Partition, Fence)
    /// Take new fences where these are still ours: resolves a commit whose outcome is unknown.
    case renewFences([HeldFence])
    /// Did this batch commit? Asked only when the fence has moved on.
    case checkBatch(Partition, batch: Int64, Fence)
    case askYield(Partition)
    /// Gates changed: tell the brokers now.
    case beat
    case sayDraining
    /// Everything is given up.
    case drained
    case note(Note)

    package struct HeldFence: Equatable {
        package let partition: Partition
        package let fence: Fence
    }

    /// What is worth a line in the log.
    package enum Note: Equatable {
        case owned(Partition, Fence, entries: Int64)
        case lost(Partition, Fence, LossReason)
        case resolved(Partition, committed: Bool)
        case badBook(Partition)
        case offender
        /// The ledger knows less of this partition than it did.
        case wentBack(Partition)
    }
}

/// Why a partition is no longer served.
package enum LossReason: String, Equatable {
    case fenceMoved
    case leaseTaken
    case leaseExpired
    case quorumLost
    case unfit
    case yielded
    case draining
    case newIncarnation
    case badBook
}
