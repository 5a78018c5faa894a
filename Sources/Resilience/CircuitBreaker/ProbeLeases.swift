import Wire

/// The probes of one half-open time: each is leased, so that one whose result never comes blocks nobody.
struct ProbeLeases: Sendable {
    static let most = 8

    enum Verdict {
        case good
        case bad
    }

    private(set) var good = 0
    private(set) var bad = 0
    /// Number and end of each lease; number 0 is free.
    private var leases = InlineArray<8, Lease>(repeating: Lease())
    private var lastNumber: UInt32 = 0

    private struct Lease: Sendable {
        var number: UInt32 = 0
        var until = MonotonicTime.distantPast
    }

    private var taken: Int {
        leases.indices.reduce(0) { leases[$1].number == 0 ? $0 : $0 + 1 }
    }

    /// The number of a new lease, unless `most` are out or all that are `judged` have been given.
    mutating func take(until: MonotonicTime, most: Int, judged: Int) -> UInt32? {
        let taken = taken
        guard taken < most, taken + good + bad < judged else { return nil }
        for index in leases.indices where leases[index].number == 0 {
            lastNumber += 1
            leases[index] = Lease(number: lastNumber, until: until)
            return lastNumber
        }
        return nil
    }

    /// Ends a lease; without a verdict it may be taken again. One that has run out has been judged already.
    mutating func end(_ number: UInt32, _ verdict: Verdict?) {
        for index in leases.indices where leases[index].number == number {
            leases[index].number = 0
            switch verdict {
            case .good: good += 1
            case .bad: bad += 1
            case nil: break
            }
        }
    }

    /// A lease that has run out is a bad probe.
    mutating func expire(_ now: MonotonicTime) {
        for index in leases.indices where leases[index].number != 0 && now >= leases[index].until {
            leases[index].number = 0
            bad += 1
        }
    }
}
