import SeededTestSupport
import Testing

@testable import Sales

@Suite struct LedgerClockTests {
    /// The ledger's clock is this far ahead of the worker's.
    private static let ahead: Int64 = 1_700_000_000_000_000

    private func ledger(_ moment: Int64, ahead: Int64 = ahead) -> LedgerTime {
        LedgerTime(rawValue: moment + ahead)
    }

    @Test func `a sample knows the time to within its round trip`() {
        let clock = LedgerClock(sent: 1_000, received: 5_000, ledger: ledger(2_000))
        let now = clock.instant(at: 5_000)
        #expect(now.earliest == ledger(2_000))
        #expect(now.latest == ledger(6_000))
        #expect(now.middle == ledger(4_000))
        #expect(now.error == 2_000)
    }

    @Test func `what is known gets less with time`() {
        let clock = LedgerClock(sent: 0, received: 0, ledger: ledger(0))
        #expect(clock.instant(at: 1_000_000).error == 500)
        #expect(clock.instant(at: 200_000_000).error == LedgerClock.maximumError)
        #expect(clock.instant(at: 202_000_000).error > LedgerClock.maximumError)
        #expect(clock.instant(at: 1).earliest < ledger(1), "a part of a microsecond counts as a whole one")
    }

    @Test func `a sample that says more replaces an older one`() {
        var clock = LedgerClock(sent: 0, received: 50_000, ledger: ledger(25_000))
        clock.add(sent: 100_000, received: 101_000, ledger: ledger(100_500))
        #expect(clock.instant(at: 101_000).error == 500)
    }

    @Test func `a sample that says less is ignored until the old one has grown vague`() {
        var clock = LedgerClock(sent: 0, received: 100, ledger: ledger(50))
        clock.add(sent: 1_000_000, received: 1_010_000, ledger: ledger(1_005_000))
        #expect(clock.instant(at: 1_010_000).error < 1_000)
        clock.add(sent: 20_000_000, received: 20_010_000, ledger: ledger(20_005_000))
        #expect(clock.instant(at: 20_010_000).error == 5_000)
    }

    @Test func `two samples together say more than each`() {
        var clock = LedgerClock(sent: 0, received: 10_000, ledger: ledger(9_000))
        clock.add(sent: 20_000, received: 30_000, ledger: ledger(21_000))
        let now = clock.instant(at: 30_000)
        #expect(now.earliest == ledger(28_990), "the first knew it to be later, but for 10 µs of drift")
        #expect(now.latest == ledger(31_000))
    }

    @Test(arguments: [3_600_000_000, -3_600_000_000] as [Int64])
    func `after a step of the ledger's clock the newer sample holds`(step: Int64) {
        var clock = LedgerClock(sent: 0, received: 100, ledger: ledger(50))
        let stepped = ledger(1_005_000, ahead: Self.ahead + step)
        clock.add(sent: 1_000_000, received: 1_010_000, ledger: stepped)
        let now = clock.instant(at: 1_010_000)
        #expect(now.earliest <= LedgerTime(rawValue: stepped.rawValue + 5_000))
        #expect(now.latest >= LedgerTime(rawValue: stepped.rawValue + 5_000))
        #expect(now.error == 5_000)
    }

    /// Clocks that drift by up to 500 parts in a million, answers that take up to 80 ms each way.
    @Test(arguments: 1...50) func `the true time is always between the two ends`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let drift = Double(random.number(-490...490)) / 1e6
        func truth(_ moment: Int64) -> Double { Double(moment) * (1 + drift) }
        func sample(at moment: Int64) -> (sent: Int64, received: Int64, ledger: LedgerTime) {
            let there = Int64(random.number(0...80_000))
            let back = Int64(random.number(0...80_000))
            let time = Int64(truth(moment + there).rounded(.down))
            return (moment, moment + there + back, LedgerTime(rawValue: time))
        }
        var moment: Int64 = 1_000_000
        let first = sample(at: moment)
        var clock = LedgerClock(sent: first.sent, received: first.received, ledger: first.ledger)
        moment = first.received
        var last = clock.instant(at: moment).earliest
        for _ in 0..<200 {
            moment += Int64(random.number(0...2_000_000))
            let now = clock.instant(at: moment)
            #expect(now.earliest >= last, "what was open is never not yet open")
            last = now.earliest
            // One microsecond, as the ledger rounds its time to whole ones.
            #expect(Double(now.earliest.rawValue) <= truth(moment) + 1)
            #expect(Double(now.latest.rawValue) >= truth(moment) - 1)
            let next = sample(at: moment)
            clock.add(sent: next.sent, received: next.received, ledger: next.ledger)
            moment = next.received
        }
    }
}
