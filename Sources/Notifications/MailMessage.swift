public import Methods
import Sales

/// A plain-text mail as it goes over the wire (RFC 5322, MIME).
public struct MailMessage: Hashable, Sendable {
    public var from: MailAddress
    /// Shown beside the address; may be empty.
    public var fromName: String
    public var to: MailAddress
    public var subject: String
    public var text: String
    public var language: Language
    /// Without angle brackets. The same for every sending of one message, so that a second is recognised.
    public var id: String
    public var date: CivilTime

    public init(
        from: MailAddress, fromName: String = "", to: MailAddress, subject: String, text: String,
        language: Language, id: String, date: CivilTime
    ) {
        self.from = from
        self.fromName = fromName
        self.to = to
        self.subject = subject
        self.text = text
        self.language = language
        self.id = id
        self.date = date
    }

    /// The Message-ID of an event's mail: `3-17.mail@shop.example`, at the sender's domain.
    public static func id(event: String, from: MailAddress) -> String {
        // The colon of other relays' ids is no character of an id (RFC 5322 §3.6.4).
        let name = String(event.map { $0 == ":" ? "_" : $0 })
        return "\(name).\(Channel.mail.rawValue)@\(from.rawValue.split(separator: "@").last ?? "")"
    }

    /// Header, empty line and body, with the line ends of SMTP. All of it is ASCII.
    public var bytes: [UInt8] {
        let name = fromName.isEmpty ? "" : MailMessage.encodedWords(fromName, used: 6) + " "
        let lines = [
            "From: \(name)<\(from.rawValue)>",
            "To: <\(to.rawValue)>",
            "Subject: " + MailMessage.encodedWords(subject, used: 9),
            "Date: " + date.mailDate,
            "Message-ID: <\(id)>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "Content-Language: \(language.rawValue)",
            // RFC 3834: nobody's vacation notice answers this.
            "Auto-Submitted: auto-generated",
            "",
        ]
        var bytes = Array(lines.map { $0 + "\r\n" }.joined().utf8)
        let body = Array(
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .joined(separator: "\r\n").utf8)
        // RFC 2045 §6.8: at most 76 characters a line, which hold 57 bytes.
        for start in stride(from: 0, to: body.count, by: 57) {
            bytes.append(contentsOf: MailMessage.base64(body[start..<min(start + 57, body.count)]).utf8)
            bytes.append(contentsOf: "\r\n".utf8)
        }
        return bytes
    }

    /// RFC 2047: encoded words of at most 75 characters, each with whole characters, on lines of their own.
    ///
    /// - Parameter used: characters that stand before it on its first line.
    static func encodedWords(_ text: String, used: Int) -> String {
        // "=?utf-8?B?" and "?=" take 12 of 75; 60 characters of base64 hold 45 bytes.
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        var room = min(45, (75 - used - 12) / 4 * 3)
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if word.count + bytes.count > room {
                words.append(word)
                word = []
                room = 45
            }
            word += bytes
        }
        words.append(word)
        return words.map { "=?utf-8?B?\(base64($0[...]))?=" }.joined(separator: "\r\n ")
    }

    /// RFC 4648 §4.
    static func base64(_ bytes: ArraySlice<UInt8>) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        var rest = bytes
        while !rest.isEmpty {
            let three = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let bits = (0..<3).reduce(UInt32(0)) { $0 << 8 | ($1 < three.count ? UInt32(three[$1]) : 0) }
            for place in 0..<4 {
                output.append(
                    place > three.count
                        ? UInt8(ascii: "=") : alphabet[Int(bits >> (18 - 6 * UInt32(place)) & 63)])
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

extension CivilTime {
    /// RFC 5322 §3.3: `Thu, 18 Jun 2026 20:00:00 +0000`.
    public var mailDate: String {
        let seconds = microseconds.floorDivided(by: 1_000_000)
        let days = seconds.floorDivided(by: 86_400)
        let date = CivilDate(days: days)
        let ofDay = seconds - days * 86_400
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // 1970 began on a Thursday.
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let weekday = weekdays[Int(days - days.floorDivided(by: 7) * 7)]
        let clock = [ofDay / 3_600, ofDay / 60 % 60, ofDay % 60].map(two).joined(separator: ":")
        return "\(weekday), \(two(date.day)) \(months[Int(date.month) - 1]) \(date.year) \(clock) +0000"
    }
}
