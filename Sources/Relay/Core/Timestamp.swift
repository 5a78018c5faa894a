import Sales

/// Moments as RFC 3339 in UTC with microseconds, for example `2030-01-31T10:00:00.000250Z`.
enum Timestamp {
    static func text(_ time: LedgerTime) -> [UInt8] {
        let seconds = time.rawValue.floorDivided(by: 1_000_000)
        let microsecond = time.rawValue - seconds * 1_000_000
        let days = seconds.floorDivided(by: 86_400)
        let second = seconds - days * 86_400
        let date = CivilDate(days: days)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        append(date.year, 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(date.month, 2, to: &text)
        text.append(UInt8(ascii: "-"))
        append(date.day, 2, to: &text)
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

    private static func append(_ number: Int64, _ width: Int, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
