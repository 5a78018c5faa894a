/// Prices as people write them, and as the ledger keeps them: whole minor units.
enum Money {
    /// Digits after the point where they are not two: ISO 4217, table A.1, column "minor unit".
    private static let digits: [String: Int] = {
        var digits: [String: Int] = [:]
        for currency in [
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
            "XAF", "XOF", "XPF",
        ] { digits[currency] = 0 }
        for currency in ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"] { digits[currency] = 3 }
        for currency in ["CLF", "UYW"] { digits[currency] = 4 }
        return digits
    }()

    private static func minorDigits(_ currency: String) -> Int { digits[currency, default: 2] }

    /// Reads `19.99` exactly: no binary fraction is ever made of it.
    static func minorUnits(_ text: String, currency: String) throws(Failure) -> Int64 {
        let digits = minorDigits(currency)
        let example = digits == 0 ? "1999" : "19." + String(repeating: "9", count: digits)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        func isNumber(_ part: Substring) -> Bool {
            !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) }
        }
        guard (1...2).contains(parts.count), parts.allSatisfy(isNumber) else {
            throw Failure(.usage, "‘\(text)’ is not a price: write it as \(example)")
        }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.count <= digits else {
            throw Failure(
                .usage,
                "‘\(text)’ has more digits after the point than \(currency) has (\(digits)): write it as \(example)"
            )
        }
        let padded = parts[0] + fraction + String(repeating: "0", count: digits - fraction.count)
        guard let units = Int64(padded) else {
            throw Failure(.usage, "‘\(text)’ is more than can be paid: write a smaller price")
        }
        return units
    }

    /// `19.99 USD`.
    static func text(_ minorUnits: Int64, currency: String) -> String {
        let digits = minorDigits(currency)
        guard digits > 0 else { return "\(minorUnits) \(currency)" }
        let scale = (0..<digits).reduce(UInt64(1)) { scale, _ in scale * 10 }
        let fraction = String(minorUnits.magnitude % scale)
        let padding = String(repeating: "0", count: digits - fraction.count)
        let sign = minorUnits < 0 ? "-" : ""
        return "\(sign)\(minorUnits.magnitude / scale).\(padding)\(fraction) \(currency)"
    }

    static func check(currency: String) throws(Failure) {
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw Failure(
                .usage, "‘\(currency)’ is not a currency: write its three capital letters, as in USD")
        }
    }
}
