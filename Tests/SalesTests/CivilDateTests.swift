import Sales
import Testing

@Suite struct CivilDateTests {
    @Test(
        arguments: [
            (0, CivilDate(year: 1970, month: 1, day: 1)), (-1, CivilDate(year: 1969, month: 12, day: 31)),
            (11_016, CivilDate(year: 2000, month: 2, day: 29)),
            (47_541, CivilDate(year: 2100, month: 3, day: 1)),
            (-719_468, CivilDate(year: 0, month: 3, day: 1)),
        ] as [(Int64, CivilDate)])
    func `a day has its date, and the date its day`(days: Int64, date: CivilDate) {
        #expect(CivilDate(days: days) == date && date.days == days)
    }

    @Test func `every day of four centuries follows the one before`() {
        var last = CivilDate(days: -1)
        for day in 0..<146_097 as Range<Int64> {
            let date = CivilDate(days: day)
            let isNext =
                (date.year == last.year && date.month == last.month && date.day == last.day + 1)
                || (date.day == 1 && date.month == last.month % 12 + 1
                    && date.year == last.year + last.month / 12)
            guard isNext, date.days == day else {
                Issue.record("day \(day) is \(date) after \(last)")
                return
            }
            last = date
        }
    }
}
