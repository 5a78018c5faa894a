public import Sales

/// FNV-1a, 64 bits: tells things apart that are not there to deceive (http://www.isthe.com/chongo/tech/comp/fnv/).
struct Checksum {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

    mutating func add(_ text: String) { for byte in text.utf8 { add(byte) } }

    mutating func add(_ number: some FixedWidthInteger) {
        var rest = number
        for _ in 0..<(number.bitWidth / 8) {
            add(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    var value: Int64 { Int64(bitPattern: hash) }

    var hexadecimal: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Entry {
    /// A number that another entry in this one's place would not have.
    public var mark: Int64 {
        var hash = Checksum()
        hash.add(sequence)
        hash.add(kind.rawValue)
        hash.add(sale.rawValue)
        hash.add(buyer.rawValue)
        hash.add(key.rawValue)
        hash.add(at.rawValue)
        return hash.value
    }
}
