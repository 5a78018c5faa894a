import Wire

/// How far a stream is, in items. The broker counts and passes on; it keeps no item.
package struct StreamState {
    /// Items that have gone to the worker, and may.
    private(set) var sent: UInt32 = 0
    private(set) var sendLimit = Limits.initialCredit
    /// Items that have gone to the caller, and may.
    private(set) var received: UInt32 = 0
    private(set) var receiveLimit = Limits.initialCredit
    /// The caller has said that there are no more.
    private(set) var callerEnded: Bool

    /// - Parameter callerEnded: the caller sends no items at all.
    package init(callerEnded: Bool) { self.callerEnded = callerEnded }

    /// Counts a DATA of the caller.
    ///
    /// - Parameter hasItem: false for one that only ends the caller's direction.
    /// - Returns: false when it is out of order or beyond its credit.
    package mutating func callerSends(_ sequence: UInt32, hasItem: Bool, isLast: Bool) -> Bool {
        guard !callerEnded, sequence == sent, hasItem || isLast else { return false }
        if hasItem {
            guard sent < sendLimit else { return false }
            sent += 1
        }
        callerEnded = isLast
        return true
    }

    package mutating func workerSends(_ sequence: UInt32) -> Bool {
        guard sequence == received, received < receiveLimit else { return false }
        received += 1
        return true
    }

    /// What the caller takes in all. Never less than before, never more than a window beyond what it has.
    package mutating func callerAllows(_ limit: UInt32) -> UInt32 {
        receiveLimit = max(receiveLimit, min(limit, received &+ Limits.largestCredit))
        return receiveLimit
    }

    package mutating func workerAllows(_ limit: UInt32) -> UInt32 {
        sendLimit = max(sendLimit, min(limit, sent &+ Limits.largestCredit))
        return sendLimit
    }
}
