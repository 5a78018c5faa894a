import Sales

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
        let days = CivilDate(year: year, month: month, day: day).days
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - Int64(offset) * 60
        microseconds = seconds * 1_000_000 + fraction
    }

    /// As `2026-06-18 20:00 (UTC+08:00)`.
    ///
    /// - Parameter offset: of the reader's clock from UTC, in minutes.
    public func text(offset: UTCOffset) -> String {
        let minutes = microseconds.floorDivided(by: 60_000_000) + Int64(offset.minutes)
        let days = minutes.floorDivided(by: 1_440)
        let date = CivilDate(days: days)
        let ofDay = minutes - days * 1_440
        return
            "\(date.year)-\(two(date.month))-\(two(date.day)) \(two(ofDay / 60)):\(two(ofDay % 60)) (\(offset))"
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
