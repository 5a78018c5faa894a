import FoundationEssentials
import Sales

/// Times as people write them: `now`, `+90s`, or RFC 3339.
enum Moment: Equatable {
    case now
    case at(LedgerTime)

    /// - Parameter now: this machine's clock; a relative time counts from it.
    init(_ text: String, now: Date) throws(Failure) {
        if text == "now" {
            self = .now
        } else if text.hasPrefix("+") {
            guard let seconds = Moment.seconds(text.dropFirst()) else {
                throw Failure(
                    .usage, "‘\(text)’ is not a time from now: write +10s, +5m, +2h or +1d, at most ten years"
                )
            }
            self = .at(LedgerTime(now.addingTimeInterval(Double(seconds))))
        } else if let date = Moment.date(text) {
            self = .at(LedgerTime(date))
        } else {
            throw Failure(
                .usage, "‘\(text)’ is not a time: write now, +10s, +5m, +2h, +1d or 2030-01-31T10:00:00Z")
        }
    }

    /// Nil for now, which only the ledger's own clock knows well enough.
    var time: LedgerTime? {
        switch self {
        case .now: nil
        case .at(let time): time
        }
    }

    /// Of a span such as 10s, 5m, 2h or 1d; at most ten years.
    static func seconds(_ text: Substring) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let amount = Int64(text.dropLast()),
            (0...(10 * 366 * 86_400 / unit)).contains(amount)
        else { return nil }
        return amount * unit
    }

    private static func date(_ text: String) -> Date? {
        let style = Date.ISO8601FormatStyle(timeZone: .gmt)
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)
        return (try? style.parse(text)) ?? (try? fractional.parse(text))
    }
}

extension LedgerTime {
    init(_ date: Date) { self.init(rawValue: Int64((date.timeIntervalSince1970 * 1_000_000).rounded())) }

    /// RFC 3339, in UTC, to the millisecond.
    var text: String {
        let milliseconds = (Double(rawValue) / 1_000).rounded(.down)
        return Date(timeIntervalSince1970: milliseconds / 1_000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt))
    }
}
