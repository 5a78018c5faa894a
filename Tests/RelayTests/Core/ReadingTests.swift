import Ledger
import Relay
import Sales
import Testing
import Wire

@Suite struct ReadingTests {
    static func entry(_ sequence: Int64, key: UInt128 = 1) -> Entry {
        Entry(
            kind: .orderPlaced, sequence: sequence, sale: SaleID(rawValue: 1), lane: .only,
            buyer: BuyerID(rawValue: 1), key: RequestKey(rawValue: key), quantity: 1,
            at: LedgerTime(rawValue: sequence))
    }

    static func position(_ sequence: Int64, mark: Int64?, last: Int64) -> RelayPosition {
        RelayPosition(
            cursor: RelayCursor(partition: Partition(rawValue: 0), sequence: sequence, mark: mark), last: last
        )
    }

    @Test func `a reading goes on after the entry that was told last`() {
        let entries = (5...7).map { Self.entry($0) }
        let reading = Reading(Self.position(5, mark: entries[0].mark, last: 9), entries)
        let cursor = RelayCursor(partition: Partition(rawValue: 0), sequence: 7, mark: entries[2].mark)
        #expect(reading == .entries(Array(entries.dropFirst()), cursor))
        #expect(Reading(Self.position(5, mark: entries[0].mark, last: 5), [entries[0]]) == .nothing)
    }

    @Test func `another entry in its place is noticed, and fewer entries than were told`() {
        let told = Self.entry(5)
        let others = [Self.entry(5, key: 2), Self.entry(6)]
        #expect(Reading(Self.position(5, mark: told.mark, last: 6), others) == .diverged(.otherEntry))
        #expect(Reading(Self.position(5, mark: told.mark, last: 6), []) == .diverged(.otherEntry))
        #expect(Reading(Self.position(5, mark: told.mark, last: 4), []) == .diverged(.beyondEnd(last: 4)))
    }

    @Test func `a cursor that an operator moved takes what it finds`() {
        let entries = [Self.entry(5), Self.entry(6)]
        guard case .entries(let fresh, _) = Reading(Self.position(5, mark: nil, last: 6), entries) else {
            Issue.record("nothing was read")
            return
        }
        #expect(fresh == [entries[1]])
    }

    @Test func `a gap is no reading`() {
        #expect(
            Reading(Self.position(0, mark: nil, last: 3), [Self.entry(1), Self.entry(3)])
                == .diverged(.gap(after: 1)))
    }

    @Test func `the pause grows while nothing happens, up to a quarter of a second`() {
        var pace = Pace()
        let pauses = (0..<10).map { _ in pace.afterNothing().milliseconds }
        #expect(pauses == [2, 4, 8, 16, 32, 64, 128, 250, 250, 250])
        #expect(pace.afterEntries(isMore: true) == .zero)
        #expect(pace.afterEntries(isMore: false) == .milliseconds(2))
        #expect(pace.afterNothing() == .milliseconds(2))
    }
}
