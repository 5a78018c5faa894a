/// A JSON value that keeps the order of its keys, written on one line (RFC 8259).
indirect enum JSON {
    case null
    case bool(Bool)
    case number(Int64)
    /// Written with three digits after the point.
    case decimal(Double)
    case string(String)
    case array([JSON])
    case object([(String, JSON)])

    var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let value): text += "\(value)"
        case .decimal(let value): text += value.isFinite ? value.fixed(3) : "null"
        case .string(let value): JSON.quote(value, to: &text)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, (name, value)) in members.enumerated() {
                if index > 0 { text += "," }
                JSON.quote(name, to: &text)
                text += ":"
                value.write(to: &text)
            }
            text += "}"
        }
    }

    /// RFC 8259 §7: quotation mark, backslash and the control characters must be escaped.
    private static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSON: Equatable {
    static func == (lhs: JSON, rhs: JSON) -> Bool { lhs.text == rhs.text }
}

extension JSON {
    static func integer(_ value: some BinaryInteger) -> JSON { .number(Int64(value)) }
    /// Null when there is none.
    static func string(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
}
