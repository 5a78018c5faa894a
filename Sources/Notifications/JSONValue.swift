/// A JSON text as a value (RFC 8259), for events that came from outside: bounded, and never trusted.
public indirect enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number that is no whole one of 64 bits.
    case decimal(Double)
    case string(String)
    case array([JSONValue])
    /// Of a name that comes twice, the last counts.
    case object([String: JSONValue])

    /// The largest text that is read, in bytes.
    public static let maximumSize = 65_536
    /// How deep arrays and objects may lie in each other.
    static let maximumDepth = 16

    /// Why a text is no JSON, and where.
    public struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        public let words: String
        public let offset: Int
        public var description: String { "\(words) at byte \(offset)" }
    }

    public init(parsing bytes: [UInt8]) throws(Mistake) {
        guard bytes.count <= JSONValue.maximumSize else {
            throw Mistake(words: "longer than \(JSONValue.maximumSize) bytes", offset: bytes.count)
        }
        var reader = Reader(bytes: bytes)
        self = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.offset == bytes.count else { throw reader.mistake("more than one value") }
    }

    /// A member of an object; nil when this is none, or has no such member, or it is null.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[name], value != .null else { return nil }
        return value
    }

    /// The text of a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// A whole number, also one that is written as a string, as those above 2^53 are.
    public var int64: Int64? {
        switch self {
        case .integer(let number): number
        case .string(let text): Int64(text)
        case .null, .bool, .decimal, .array, .object: nil
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0

        func mistake(_ words: String) -> Mistake { Mistake(words: words, offset: offset) }

        var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

        mutating func skipSpace() {
            while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
                offset += 1
            }
        }

        mutating func take(_ byte: Character) -> Bool {
            guard next == byte.asciiValue else { return false }
            offset += 1
            return true
        }

        mutating func word(_ text: StaticString, _ value: JSONValue) throws(Mistake) -> JSONValue {
            for byte in text.description.utf8 {
                guard next == byte else { throw mistake("not a value") }
                offset += 1
            }
            return value
        }

        mutating func value(depth: Int) throws(Mistake) -> JSONValue {
            guard depth <= JSONValue.maximumDepth else { throw mistake("nested too deep") }
            skipSpace()
            switch next {
            case UInt8(ascii: "{"): return try object(depth)
            case UInt8(ascii: "["): return try array(depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return try number()
            }
        }

        mutating func object(_ depth: Int) throws(Mistake) -> JSONValue {
            offset += 1
            var members: [String: JSONValue] = [:]
            skipSpace()
            if take("}") { return .object(members) }
            while true {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw mistake("a member without a name") }
                let name = try string()
                skipSpace()
                guard take(":") else { throw mistake("a name without a colon") }
                members[name] = try value(depth: depth + 1)
                skipSpace()
                if take("}") { return .object(members) }
                guard take(",") else { throw mistake("members without a comma between") }
            }
        }

        mutating func array(_ depth: Int) throws(Mistake) -> JSONValue {
            offset += 1
            var elements: [JSONValue] = []
            skipSpace()
            if take("]") { return .array(elements) }
            while true {
                elements.append(try value(depth: depth + 1))
                skipSpace()
                if take("]") { return .array(elements) }
                guard take(",") else { throw mistake("elements without a comma between") }
            }
        }

        mutating func number() throws(Mistake) -> JSONValue {
            let start = offset
            while let byte = next,
                byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
                    || byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            { offset += 1 }
            let text = String(decoding: bytes[start..<offset], as: UTF8.self)
            let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
            guard let first = digits.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first,
                digits.utf8.count == 1 || first != UInt8(ascii: "0")
                    || !digits.utf8.dropFirst().first!.isDigit
            else { throw mistake("not a value") }
            if let number = Int64(text) { return .integer(number) }
            guard let number = Double(text), number.isFinite else { throw mistake("not a number") }
            return .decimal(number)
        }

        mutating func string() throws(Mistake) -> String {
            offset += 1
            var text: [UInt8] = []
            while let byte = next {
                offset += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let valid = String(validating: text, as: UTF8.self) else {
                        throw mistake("a string that is not UTF-8")
                    }
                    return valid
                case UInt8(ascii: "\\"): text.append(contentsOf: String(try escape()).utf8)
                case 0..<0x20: throw mistake("a control character in a string")
                default: text.append(byte)
                }
            }
            throw mistake("a string without an end")
        }

        mutating func escape() throws(Mistake) -> Character {
            guard let byte = next else { throw mistake("a string without an end") }
            offset += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
                return Character(UnicodeScalar(byte))
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{c}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"): return try unicode()
            default: throw mistake("an unknown escape")
            }
        }

        /// RFC 8259 §7: what lies beyond the first plane is written as two surrogates.
        mutating func unicode() throws(Mistake) -> Character {
            let high = try fourDigits()
            if let scalar = UnicodeScalar(high) { return Character(scalar) }
            guard 0xd800...0xdbff ~= high, take("\\"), take("u") else { throw mistake("half a character") }
            let low = try fourDigits()
            guard 0xdc00...0xdfff ~= low,
                let scalar = UnicodeScalar(0x1_0000 + (high - 0xd800) << 10 + (low - 0xdc00))
            else { throw mistake("half a character") }
            return Character(scalar)
        }

        mutating func fourDigits() throws(Mistake) -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                    throw mistake("not four hexadecimal digits")
                }
                value = value << 4 | UInt32(digit)
                offset += 1
            }
            return value
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
}
