import Sales

extension RequestKey {
    /// Reads a UUID or up to 32 hexadecimal digits.
    init(text: String) throws(Failure) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(\.count)
        let digits = text.filter { $0 != "-" }
        guard parts.count == 1 || parts == [8, 4, 4, 4, 12], (1...32).contains(digits.utf8.count),
            digits.allSatisfy({ $0.isASCII && $0.isHexDigit }), let value = UInt128(digits, radix: 16),
            value != 0
        else {
            throw Failure(
                .usage,
                "‘\(text)’ is not a request key: write a UUID or up to 32 hexadecimal digits, not all zero")
        }
        self.init(rawValue: value)
    }

    /// As a UUID, the form in which the ledger keeps it (RFC 9562 §4).
    var text: String {
        let digits = String(rawValue, radix: 16)
        let all = Array(String(repeating: "0", count: 32 - digits.count) + digits)
        return [all[0..<8], all[8..<12], all[12..<16], all[16..<20], all[20...]]
            .map { String($0) }.joined(separator: "-")
    }
}
