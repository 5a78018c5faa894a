extension SinkAddress {
    /// What follows the question mark: `key=value&key=value`, each key once.
    struct Options {
        private var values: [String: String] = [:]

        mutating func add(_ pair: some StringProtocol) throws(Mistake) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else {
                throw Mistake(sentence: "‘\(pair)’ is no option: write key=value")
            }
            let key = try SinkAddress.decoded(halves[0])
            guard values.updateValue(try SinkAddress.decoded(halves[1]), forKey: key) == nil else {
                throw Mistake(sentence: "the option ‘\(key)’ is there twice")
            }
        }

        mutating func take(_ key: String) -> String? { values.removeValue(forKey: key) }

        mutating func number(_ key: String, _ range: ClosedRange<Int>) throws(Mistake) -> Int? {
            guard let text = take(key) else { return nil }
            guard let number = Int(text), range.contains(number) else {
                throw Mistake(
                    sentence:
                        "\(key) is ‘\(text)’: give a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }

        /// A key that nobody took.
        var rest: String? { values.keys.min() }
    }

    /// The parts of `SCHEME://USER:PASSWORD@HOST:PORT/PATH?OPTIONS` and of `SCHEME:/PATH?OPTIONS` (RFC 3986), decoded.
    struct Parts {
        let scheme: String
        var user: String?
        var password: String?
        var host = ""
        var port: Int?
        var path = ""
        var options = Options()

        init(_ text: String) throws(Mistake) {
            guard let colon = text.firstIndex(of: ":") else {
                throw Mistake(
                    sentence:
                        "‘\(text)’ is no sink: write tables, redis://…, redis+unix:/…, amqp://… or https://…")
            }
            scheme = text[..<colon].lowercased()
            var rest = text[text.index(after: colon)...]
            if let mark = rest.firstIndex(of: "?") {
                // A webhook's own are not ours to judge.
                if !scheme.hasPrefix("http") {
                    for pair in rest[rest.index(after: mark)...].split(separator: "&") {
                        try options.add(pair)
                    }
                }
                rest = rest[..<mark]
            }
            guard rest.hasPrefix("//") else {
                path = try SinkAddress.decoded(rest)
                return
            }
            rest = rest.dropFirst(2)
            let slash = rest.firstIndex(of: "/") ?? rest.endIndex
            path = try SinkAddress.decoded(rest[slash...])
            try readAuthority(rest[..<slash])
        }

        private mutating func readAuthority(_ text: Substring) throws(Mistake) {
            var rest = text
            if let at = rest.lastIndex(of: "@") {
                let login = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                user = try SinkAddress.decoded(login[0])
                password = login.count > 1 ? try SinkAddress.decoded(login[1]) : nil
                rest = rest[rest.index(after: at)...]
            }
            var digits: Substring?
            if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
                host = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
                if rest.hasPrefix(":") { digits = rest.dropFirst() }
            } else if let colon = rest.lastIndex(of: ":") {
                host = String(rest[..<colon])
                digits = rest[rest.index(after: colon)...]
            } else {
                host = String(rest)
            }
            guard let digits else { return }
            guard let number = Int(digits), (1...65_535).contains(number) else {
                throw Mistake(sentence: "‘\(digits)’ is no port: use one from 1 to 65535")
            }
            port = number
        }
    }

    /// Without percent-encoding (RFC 3986 §2.1).
    static func decoded(_ text: some StringProtocol) throws(Mistake) -> String {
        guard text.contains("%") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.count >= 2
            else { throw Mistake(sentence: "‘\(text)’ has a % that no two hexadecimal digits follow") }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Mistake(sentence: "‘\(text)’ is no UTF-8 when decoded")
        }
        return decoded
    }
}
