import Sales

/// Moments as RFC 3339 in UTC with microseconds, for example `2030-01-31T10:00:00.000250Z`.
enum Timestamp {
    static func text(_ time: LedgerTime) -> [UInt8] {
        let (microsecond, seconds) = split(time.rawValue, 1_000_000)
        let (second, days) = split(seconds, 86_400)
        let (year, month, day) = date(days)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        append(year, 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(month, 2, to: &text)
        text.append(UInt8(ascii: "-"))
        append(day, 2, to: &text)
        text.append(UInt8(ascii: "T"))
        append(second / 3_600, 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(second / 60 % 60, 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(second % 60, 2, to: &text)
        text.append(UInt8(ascii: "."))
        append(microsecond, 6, to: &text)
        text.append(UInt8(ascii: "Z"))
        return text
    }

    /// The remainder, never below zero, and the quotient rounded down.
    private static func split(_ value: Int64, _ divisor: Int64) -> (rest: Int64, quotient: Int64) {
        let rest = value % divisor
        return rest < 0 ? (rest + divisor, value / divisor - 1) : (rest, value / divisor)
    }

    private static func append(_ number: Int64, _ width: Int, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// The civil date of a day since 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Years begin in March here, so that the leap day is the last.
        let (dayOfEra, era) = split(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civil = month < 10 ? month + 3 : month - 9
        return (yearOfEra + era * 400 + (civil <= 2 ? 1 : 0), civil, day)
    }
}
