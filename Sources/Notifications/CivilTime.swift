/// A moment as people write it, without a calendar of the system: RFC 3339 in, a short text out.
public struct CivilTime: Hashable, Sendable {
    /// Microseconds since 1970 (UTC), as in the ledger.
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Reads `2026-06-18T20:00:00.123456Z`, or one with an offset such as `+08:00`; nil for everything else.
    public init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard let year = CivilTime.digits(4, &rest), CivilTime.take("-", &rest),
            let month = CivilTime.digits(2, &rest), CivilTime.take("-", &rest),
            let day = CivilTime.digits(2, &rest), CivilTime.take("Tt ", &rest),
            let hour = CivilTime.digits(2, &rest), CivilTime.take(":", &rest),
            let minute = CivilTime.digits(2, &rest), CivilTime.take(":", &rest),
            let second = CivilTime.digits(2, &rest)
        else { return nil }
        guard 1...12 ~= month, 1...31 ~= day, 0...23 ~= hour, 0...59 ~= minute, 0...60 ~= second else {
            return nil
        }
        var fraction: Int64 = 0
        if CivilTime.take(".", &rest) {
            var unit: Int64 = 100_000
            guard rest.first.map({ (0x30...0x39).contains($0) }) == true else { return nil }
            while let byte = rest.first, 0x30...0x39 ~= byte {
                fraction += Int64(byte - 0x30) * unit
                unit /= 10
                rest.removeFirst()
            }
        }
        guard let offset = CivilTime.offset(&rest), rest.isEmpty else { return nil }
        let days = CivilTime.days(year, month, day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - Int64(offset) * 60
        microseconds = seconds * 1_000_000 + fraction
    }

    /// As `2026-06-18 20:00 (UTC+08:00)`.
    ///
    /// - Parameter offset: of the reader's clock from UTC, in minutes.
    public func text(offset: UTCOffset) -> String {
        let minutes = microseconds.floorDivided(by: 60_000_000) + Int64(offset.minutes)
        let days = minutes.floorDivided(by: 1_440)
        let (year, month, day) = CivilTime.date(days)
        let ofDay = minutes - days * 1_440
        return "\(year)-\(two(month))-\(two(day)) \(two(ofDay / 60)):\(two(ofDay % 60)) (\(offset))"
    }

    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func digits(_ count: Int, _ bytes: inout ArraySlice<UInt8>) -> Int64? {
        guard bytes.count >= count else { return nil }
        var value: Int64 = 0
        for _ in 0..<count {
            let byte = bytes.removeFirst()
            guard 0x30...0x39 ~= byte else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        return value
    }

    private static func take(_ any: StaticString, _ bytes: inout ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, any.description.utf8.contains(first) else { return false }
        bytes.removeFirst()
        return true
    }

    fileprivate static func offset(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        if take("Zz", &bytes) { return 0 }
        let sign = bytes.first == UInt8(ascii: "-") ? -1 : 1
        guard take("+-", &bytes), let hours = digits(2, &bytes), take(":", &bytes),
            let minutes = digits(2, &bytes), hours <= 18, minutes <= 59
        else { return nil }
        return sign * Int(hours * 60 + minutes)
    }

    /// Days since 1970-01-01. Years begin in March, so that a leap day ends one.
    /// https://howardhinnant.github.io/date_algorithms.html#days_from_civil
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year.floorDivided(by: 400)
        let ofEra = year - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    /// The other way round.
    static func date(_ days: Int64) -> (Int64, Int64, Int64) {
        let days = days + 719_468
        let era = days.floorDivided(by: 146_097)
        let ofEra = days - era * 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let shifted = (5 * ofYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (year + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shifted + 2) / 5 + 1)
    }
}

/// How far a clock is from UTC: `+08:00`, `Z`.
public struct UTCOffset: Hashable, Sendable, CustomStringConvertible {
    public let minutes: Int

    public static let utc = UTCOffset(minutes: 0)

    private init(minutes: Int) { self.minutes = minutes }

    /// Nil when this is no offset of at most 18 hours.
    public init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        guard let minutes = CivilTime.offset(&bytes), bytes.isEmpty else { return nil }
        self.minutes = minutes
    }

    public var description: String {
        guard minutes != 0 else { return "UTC" }
        let (hours, rest) = (abs(minutes) / 60, abs(minutes) % 60)
        return "UTC\(minutes < 0 ? "-" : "+")\(hours < 10 ? "0" : "")\(hours):\(rest < 10 ? "0" : "")\(rest)"
    }
}

extension Int64 {
    /// Rounded down, also below zero.
    func floorDivided(by unit: Int64) -> Int64 { self >= 0 ? self / unit : -((unit - 1 - self) / unit) }
}
