import Foundation
import Sales
import Testing

@testable import stampede

@Suite struct MomentTests {
    private let now = Date(timeIntervalSince1970: 1_900_000_000)

    @Test(arguments: [("+0s", 0), ("+10s", 10), ("+5m", 300), ("+2h", 7_200), ("+1d", 86_400)])
    func `a relative time counts from now`(text: String, seconds: Int64) throws {
        let expected = LedgerTime(rawValue: (1_900_000_000 + seconds) * 1_000_000)
        #expect(try Moment(text, now: now).time == expected)
    }

    @Test(arguments: [
        ("2030-01-31T10:00:00Z", 1_896_084_000_000_000),
        ("2030-01-31T12:00:00+02:00", 1_896_084_000_000_000),
        ("2030-01-31T10:00:00.250Z", 1_896_084_000_250_000),
    ])
    func `an absolute time is read with its zone`(text: String, microseconds: Int64) throws {
        #expect(try Moment(text, now: now).time?.rawValue == microseconds)
    }

    @Test func `now is left to the ledger's clock`() throws {
        #expect(try Moment("now", now: now).time == nil)
    }

    @Test(arguments: [
        "", "tomorrow", "+", "+5", "+-5s", "+5w", "+99999999999d", "10:00", "2030-13-01T00:00:00Z",
    ])
    func `what is not a time is refused as a usage mistake`(text: String) {
        let failure = #expect(throws: Failure.self) { try Moment(text, now: now) }
        #expect(failure?.code == .usage)
    }

    @Test func `a time is written in UTC to the millisecond`() {
        #expect(LedgerTime(rawValue: 1_896_084_000_250_999).text == "2030-01-31T10:00:00.250Z")
    }
}
