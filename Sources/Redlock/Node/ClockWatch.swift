import Wire

/// Finds out whether a node's wall clock was set, by which its keys run out too early or too late.
///
/// Every answer tells the node's time at some moment between the sending of the command and the reading of the
/// answer. So between two answers the time that really passed is known to lie between two bounds of our own
/// monotonic clock, however slow the network, the node or we ourselves were (interval arithmetic, as in K. Marzullo
/// and S. Owicki, "Maintaining the time in a distributed system", 1983). A clock that shows more or less than these
/// bounds allow was set. One that merely waits for a processor never does.
///
/// Noticed: a step of more than 10 ms, plus 1 % of the time since the last look (at most some 2 s), plus the two
/// round trips. A clock that is slowed or hastened by less than that passes, and is covered by a lease's drift up
/// to 1 %.
struct ClockWatch {
    struct Reading: Hashable {
        /// The node's wall clock, in microseconds.
        let clock: Int64
        let sent: MonotonicTime
        let received: MonotonicTime

        var width: TimeAmount { received - sent }
    }

    static let allowance = TimeAmount.milliseconds(10)
    /// Readings are compared with one that is about this old: one of a moment ago would let a clock creep away in
    /// small steps, one of long ago would allow it 1 % of a long time.
    static let window = TimeAmount.seconds(1)

    private var anchor: Reading?
    /// The most exact one since the anchor, which follows it.
    private var successor: Reading?

    /// Takes a reading, in the order of their sending.
    ///
    /// - Returns: By how much the clock was set at least, forward above zero; nil when it need not have been.
    mutating func read(_ reading: Reading) -> TimeAmount? {
        guard let anchor else {
            self.anchor = reading
            return nil
        }
        let told = TimeAmount.microseconds(reading.clock - anchor.clock)
        let least = max(.zero, reading.sent - anchor.received)
        let most = reading.received - anchor.sent
        let ahead = told - (most + most / 100 + Self.allowance)
        let behind = (least - least / 100 - Self.allowance) - told
        guard ahead <= .zero, behind <= .zero else {
            self.anchor = reading
            successor = nil
            return ahead > .zero ? ahead : .zero - behind
        }
        if successor.map({ reading.width <= $0.width }) ?? true { successor = reading }
        if reading.received - anchor.received >= Self.window {
            self.anchor = successor
            successor = nil
        }
        return nil
    }
}
