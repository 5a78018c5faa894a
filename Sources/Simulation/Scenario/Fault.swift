/// Something that goes wrong, for a while if it says how long (milliseconds). Names of processes are their numbers,
/// taken modulo how many there are, so that a scenario stays valid when it shrinks.
package enum Fault: Codable, Hashable, Sendable {
    // Processes.
    case killWorker(Int, down: Int64)
    case pauseWorker(Int, Int64)
    /// Runs for a twentieth of the time only: starved of CPU.
    case starveWorker(Int, Int64)
    case drainWorker(Int, down: Int64)
    case addWorker
    case killBroker(Int, down: Int64)
    case pauseBroker(Int, Int64)

    // Network.
    /// Nothing gets through in the given directions, nor is it lost: it arrives later, as with TCP.
    case cutBroker(worker: Int, broker: Int, toBroker: Bool, fromBroker: Bool, Int64)
    /// A partition's owner and a broker are alone together: no ledger, no Redis, nobody else.
    case island(partition: Int, broker: Int, Int64)
    /// A partition's owner is not heard by one broker.
    case muteOwner(partition: Int, broker: Int, Int64)
    /// A broker is cut off from every worker.
    case blindBroker(Int, Int64)
    case cutClient(client: Int, broker: Int, toBroker: Bool, fromBroker: Bool, Int64)
    /// A connection ends, and what was on its way is lost.
    case dropConnection(worker: Int, broker: Int)
    case cutRedis(worker: Int, node: Int, toNode: Bool, fromNode: Bool, Int64)

    // Redis.
    case killNode(Int, down: Int64, losesData: Bool)
    case killMajority(down: Int64, losesData: Bool)
    case pauseNode(Int, Int64)
    /// The node's wall clock is stepped; positive is forwards.
    case stepNodeClock(Int, Int64)
    // A Redis that lies.
    case flushNode(Int)
    case flushMajority
    /// A majority holds a stranger's key for the partition.
    case forgeLease(partition: Int, Int64)
    /// A majority keeps every key for longer than was asked.
    case extendLeases(Int64)
    case stepMajority(Int64)

    // Worker's wall clock: nothing may depend on it.
    case stepWorkerClock(Int, Int64)

    // Postgres.
    case dropLedger(worker: Int)
    case cutLedger(worker: Int, Int64)
    /// Only its connection for commits: fences and books can still be had.
    case cutCommits(worker: Int, Int64)
    case stopLedger(Int64)
    case slowLedger(Int64)
    /// Transactions hang between their writing and their COMMIT.
    case hangCommits(Int64)
    /// The partition's next transaction hangs for so long between its writing and its COMMIT, and at that very moment
    /// something happens to the owner.
    case catchCommit(partition: Int, Mishap, Int64)
    /// Another server takes over, with everything that committed.
    case failOver(Int64)
    /// Somebody takes a fence whom nobody knows: an operator, or a worker that all have forgotten.
    case strangerTakesFence(partition: Int)

    package enum Mishap: String, Codable, Hashable, Sendable, CaseIterable {
        case killed, cutOff, paused
    }

    /// Whether the lock service breaks its own word: then two may hold a lease.
    package var isLie: Bool {
        switch self {
        case .flushNode, .flushMajority, .forgeLease, .extendLeases, .stepMajority, .stepNodeClock: true
        default: false
        }
    }
}

package struct ScheduledFault: Codable, Hashable, Sendable {
    /// Milliseconds after the start.
    package var at: Int64
    package var fault: Fault
}
