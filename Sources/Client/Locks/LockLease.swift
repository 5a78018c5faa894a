import Synchronization
public import Wire
import ZeroMQ

/// A lock that is held, as long as `StampedeClient.withLock` runs its body. It cannot be kept for longer: it is lent to
/// the body and cannot be copied.
///
/// It is advice, not proof. A process that was paused does not notice that its lock has ended, so give `fence` along
/// with everything that is written under the lock, and have it refused where a higher one has been (`docs/locks.md`).
public struct LockLease: ~Copyable, Sendable {
    public let name: String
    /// Higher than that of every holder before.
    public let fence: Int64
    let term: LockTerm

    /// For how long the lock is surely held from now on, unless it is extended; zero when it is lost.
    public var remaining: TimeAmount { max(.zero, term.end - .now()) }

    /// Makes sure that the lock is held for a while from now on.
    ///
    /// - Throws: `LockLost` if it is not surely held for `need`.
    public func check(need: TimeAmount = .zero) throws(LockLost) {
        guard remaining > need else { throw LockLost(name: name, fence: fence) }
    }
}

/// The lock ended before the work that was done under it: the work's effects must be refused by their fence, or be
/// undone.
public struct LockLost: Error, Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let fence: Int64

    public var description: String {
        "the lock '\(name)' (fence \(fence)) ended before the work under it; look at what was done, and begin anew"
    }
}

/// Until when a lock is held: set by who extends it, read by who works under it.
final class LockTerm: Sendable {
    private let nanoseconds: Atomic<Int64>

    init(end: MonotonicTime) { nanoseconds = Atomic(end.nanoseconds) }

    var end: MonotonicTime { MonotonicTime(nanoseconds: nanoseconds.load(ordering: .acquiring)) }

    func move(to end: MonotonicTime) { nanoseconds.store(end.nanoseconds, ordering: .releasing) }
}
