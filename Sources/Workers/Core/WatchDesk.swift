package import Methods
package import Sales
package import Wire

/// What a stream tells of.
package enum WatchSubject: Equatable {
    /// A place in a waiting list, by the sequence of the entry that began it, or of the order that it led to.
    case wait(Int64)
    /// An order, by the sequence of its first entry, and the version that the caller knows.
    case order(Int64, known: Int32)
    /// A sale, and the sequence that the caller has come to.
    case sale(SaleID, Lane, from: Int64?)
}

/// One item of a stream.
package indirect enum StreamItem: Equatable {
    case wait(WaitState)
    case order(OrderUpdate)
    case sale(SaleUpdate)

    /// Nothing comes after it.
    var isLast: Bool {
        switch self {
        case .wait(.offered), .wait(.ended): true
        case .wait(.waiting), .order, .sale: false
        }
    }
}

/// The streams that a worker serves: who watches what, and how far each has been told.
///
/// Nothing is queued. A stream is told how things stand whenever that has changed and its reader takes an item, so that a
/// slow reader misses what lies between and costs nothing.
package struct WatchDesk {
    /// Most streams, those that open included: 512 bytes or so each.
    package static let maximum = 8_192
    /// Between two items of a stream.
    package static let interval = TimeAmount.milliseconds(100)
    /// Streams that are looked at in a tick: at least so many, and so many that all have their turn within the interval.
    static let leastLooks = 64
    static let ticksPerInterval = 5
    static let tick = TimeAmount.milliseconds(20)
    /// Most items in a tick.
    static let mostItems = 512

    struct Watch {
        let to: ReplyAddress
        let partition: Int
        let subject: WatchSubject
        /// Items that the reader takes in all, and that it has been sent.
        var limit: UInt32
        var sent: UInt32 = 0
        /// Not told anything before.
        var notBefore = MonotonicTime.distantPast
        /// The book that was looked at last: nothing has changed while it is the same.
        var seen: BookMark?
        /// Told when everything that it rests on has committed.
        var pending: (item: StreamItem, mark: BookMark)?
        var told: StreamItem?
        /// Orders of the sale at a time, for its rate.
        var base: (orders: Int64, at: MonotonicTime)?
        var rate: Int64 = 0
    }

    /// A state of a book: entries that were taken back have had their numbers, too.
    struct BookMark: Equatable {
        let last: Int64
        let reverts: UInt32
    }

    var watches: [Watch] = []
    private var index: [ReplyAddress: Int] = [:]
    /// Calls that ask for a stream and are not decided yet, with the items that their readers take.
    private var opening: [ReplyAddress: UInt32] = [:]
    private var cursor = 0
    private var nextTurn = MonotonicTime.distantPast

    package var count: Int { watches.count + opening.count }

    /// A call asks for a stream.
    ///
    /// - Returns: false when there are as many as a worker serves.
    package mutating func open(_ to: ReplyAddress) -> Bool {
        guard count < WatchDesk.maximum else { return false }
        opening[to] = Limits.initialCredit
        return true
    }

    package func isOpening(_ to: ReplyAddress) -> Bool { !opening.isEmpty && opening[to] != nil }

    /// What it asked for is there.
    mutating func begin(_ to: ReplyAddress, _ partition: Int, _ subject: WatchSubject) {
        guard let limit = opening.removeValue(forKey: to) else { return }
        index[to] = watches.count
        watches.append(Watch(to: to, partition: partition, subject: subject, limit: limit))
    }

    /// The reader takes so many items in all.
    package mutating func allow(_ to: ReplyAddress, _ limit: UInt32) {
        if let place = index[to] {
            watches[place].limit = max(watches[place].limit, limit)
        } else if let old = opening[to] {
            opening[to] = max(old, limit)
        }
    }

    /// Nobody reads it any more, or the call was answered in another way.
    package mutating func end(_ to: ReplyAddress) {
        guard !opening.isEmpty || !watches.isEmpty else { return }
        opening[to] = nil
        guard let place = index.removeValue(forKey: to) else { return }
        let last = watches.removeLast()
        guard place < watches.count else { return }
        watches[place] = last
        index[last.to] = place
    }

    /// A broker is gone, and with it whoever read through it.
    package mutating func end(session: UInt32) {
        for to in Array(opening.keys) + watches.map(\.to) where to.session == session { end(to) }
    }

    /// Which streams have their turn. A core ticks with every wave of messages, and they need not.
    mutating func turn(_ now: MonotonicTime) -> Range<Int> {
        guard now >= nextTurn else { return 0..<0 }
        nextTurn = now + WatchDesk.tick
        if cursor >= watches.count { cursor = 0 }
        let looks = max(WatchDesk.leastLooks, watches.count / WatchDesk.ticksPerInterval + 1)
        let start = cursor
        cursor = min(watches.count, start + looks)
        return start..<cursor
    }
}
