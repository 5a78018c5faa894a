import Wire

/// What a stream is opened with.
struct StreamTerms: Hashable, Sendable {
    /// The caller sends items; else its request was in the CALL.
    var sendsItems: Bool
    /// The worker sends items; else its reply is in the RESULT.
    var receivesItems: Bool
    /// Items that may wait for the reader, 16 ... 1,024.
    var window = UInt16(Limits.initialCredit)
}

/// The two directions of a stream: what was sent and received, and what may be.
///
/// All numbers are counted from the beginning of the attempt, modulo 2³².
struct StreamFlow: Hashable, Sendable {
    let sendsItems: Bool
    let receivesItems: Bool
    /// An item or a CREDIT has come: the call is not sent again, and nothing has to be kept for that.
    var isCommitted = false
    /// Items that the reader is ahead of, at most.
    let window: UInt32

    var sent: UInt32 = 0
    var maySend = Limits.initialCredit
    var received: UInt32 = 0
    var mayReceive = Limits.initialCredit
    var taken: UInt32 = 0

    init(_ terms: StreamTerms) {
        precondition(
            Limits.initialCredit...Limits.largestCredit ~= UInt32(terms.window),
            "a window of \(terms.window) items")
        sendsItems = terms.sendsItems
        receivesItems = terms.receivesItems
        window = UInt32(terms.window)
    }

    // MARK: The caller's items

    /// The place of the next message of the caller. The one that only ends is no item and needs no credit.
    mutating func nextToSend(isEnd: Bool) -> UInt32 {
        let sequence = sent
        if !isEnd {
            precondition(sent != maySend, "an item was sent without credit")
            sent &+= 1
        }
        return sequence
    }

    /// Takes a CREDIT and returns how many more items may be sent. One that is older, or allows more than
    /// the protocol lets it, allows nothing new beyond the limit.
    mutating func allow(_ total: UInt32) -> UInt32 {
        let most = sent &+ Limits.largestCredit
        let total = Int32(bitPattern: total &- most) > 0 ? most : total
        let more = Int32(bitPattern: total &- maySend)
        guard more > 0 else { return 0 }
        maySend = total
        return UInt32(more)
    }

    /// The next attempt begins anew.
    mutating func restart() {
        sent = 0
        maySend = Limits.initialCredit
        received = 0
        mayReceive = Limits.initialCredit
        taken = 0
    }

    // MARK: The worker's items

    /// Takes an item in, or returns false when it is out of order or beyond its credit.
    mutating func receive(_ sequence: UInt32) -> Bool {
        guard receivesItems, sequence == received, received != mayReceive else { return false }
        received &+= 1
        return true
    }

    /// The reader has taken items. Returns the new credit when half of the window is used up.
    mutating func take(_ count: UInt32) -> UInt32? {
        taken &+= count
        return grant()
    }

    /// The credit to announce, if that is due.
    mutating func grant() -> UInt32? {
        let total = taken &+ window
        let more = Int32(bitPattern: total &- mayReceive)
        guard more >= Int32(window / 2) else { return nil }
        mayReceive = total
        return total
    }
}
