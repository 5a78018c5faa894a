extension Double {
    /// With a fixed number of digits after the point, whatever the locale.
    func fixed(_ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        guard abs(self) < 1e15 else { return "\(self)" }
        let units = Int64((self * scale).rounded())
        guard digits > 0 else { return "\(units)" }
        let fraction = String(units.magnitude % UInt64(scale))
        let padding = String(repeating: "0", count: digits - fraction.count)
        return "\(units < 0 ? "-" : "")\(units.magnitude / UInt64(scale)).\(padding)\(fraction)"
    }
}

extension BinaryInteger {
    /// With commas between groups of three digits, for people.
    var grouped: String {
        var text = ""
        for (index, digit) in String(magnitude).reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + String(text.reversed())
    }

    /// "1 order", "2 orders".
    func counted(_ noun: String) -> String { "\(grouped) \(noun)\(self == 1 ? "" : "s")" }
}
