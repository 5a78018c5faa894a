import Sales

/// Writes one JSON object (RFC 8259) without spaces, straight into bytes.
struct JSONText {
    private(set) var bytes: [UInt8] = []
    /// Whether the next member needs a comma before it.
    private var needsComma = false

    init(capacity: Int = 640) { bytes.reserveCapacity(capacity) }

    mutating func object(_ name: StaticString? = nil, _ members: (inout JSONText) -> Void) {
        if let name { key(name) }
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        members(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        quote(text)
    }

    /// Only for numbers that every reader of JSON takes exactly, so below 2^53.
    mutating func member(_ name: StaticString, number: Int64) {
        key(name)
        digits(number)
    }

    mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        plain(value ? "true" : "false")
    }

    /// As a string: it may be beyond 2^53, which JavaScript would round.
    mutating func member(_ name: StaticString, long number: Int64) {
        key(name)
        bytes.append(UInt8(ascii: "\""))
        digits(number)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func member(_ name: StaticString, uuid: RequestKey) {
        key(name)
        bytes.append(UInt8(ascii: "\""))
        let value = uuid.rawValue
        for place in 0..<32 {
            // RFC 9562 §4: 8-4-4-4-12.
            if place == 8 || place == 12 || place == 16 || place == 20 { bytes.append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: value >> UInt128(124 - 4 * place)) & 15
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func member(_ name: StaticString, _ time: LedgerTime) {
        key(name)
        bytes.append(UInt8(ascii: "\""))
        bytes += Timestamp.text(time)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func key(_ name: StaticString) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
        bytes.append(UInt8(ascii: "\""))
        plain(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func plain(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { bytes.append(unsafe text.utf8Start[index]) }
    }

    private mutating func digits(_ number: Int64) {
        for byte in String(number).utf8 { bytes.append(byte) }
    }

    /// RFC 8259 §7: quotation mark, backslash and the control characters must be escaped.
    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<32:
                plain("\\u00")
                bytes.append(UInt8(ascii: "0") + byte / 16)
                let digit = byte % 16
                bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
