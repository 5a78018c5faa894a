/// A day of the Gregorian calendar, without a calendar of the system.
///
/// Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days and days_from_civil:
/// https://howardhinnant.github.io/date_algorithms.html
public struct CivilDate: Hashable, Sendable {
    public let year: Int64
    /// 1 to 12.
    public let month: Int64
    /// 1 to 31.
    public let day: Int64

    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// - Parameter days: since 1970-01-01.
    public init(days: Int64) {
        // Years begin in March here, so that the leap day is the last.
        let days = days + 719_468
        let era = days.floorDivided(by: 146_097)
        let ofEra = days - era * 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let shifted = (5 * ofYear + 2) / 153
        month = shifted < 10 ? shifted + 3 : shifted - 9
        self.year = year + era * 400 + (month <= 2 ? 1 : 0)
        day = ofYear - (153 * shifted + 2) / 5 + 1
    }

    /// Days since 1970-01-01.
    public var days: Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year.floorDivided(by: 400)
        let ofEra = year - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }
}

extension Int64 {
    /// Rounded down, also below zero.
    public func floorDivided(by unit: Int64) -> Int64 {
        self >= 0 ? self / unit : -((unit - 1 - self) / unit)
    }
}
