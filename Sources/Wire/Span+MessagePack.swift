/// Reading MessagePack (msgpack/spec.md). Every function throws on bytes that are not what it wants, and none
/// reserves memory for a length that the bytes do not have.
extension Span where Element == UInt8 {
    /// Deepest nesting that is skipped; ours is 3.
    private static var maximumDepth: Int { 32 }

    public func readByte(at offset: inout Int) throws(WireError) -> UInt8 {
        guard offset < count else { throw WireError(.truncated, at: offset) }
        defer { offset += 1 }
        return self[offset]
    }

    /// True, and moves on, when the next value is nil.
    public func readNull(at offset: inout Int) -> Bool {
        guard offset < count, self[offset] == 0xc0 else { return false }
        offset += 1
        return true
    }

    public func readBool(at offset: inout Int) throws(WireError) -> Bool {
        let start = offset
        switch try readByte(at: &offset) {
        case 0xc2: return false
        case 0xc3: return true
        default: throw WireError(.wrongType, at: start)
        }
    }

    /// Any integer that fits in 64 bits with a sign, whatever form it was written in.
    public func readInteger(at offset: inout Int) throws(WireError) -> Int64 {
        let start = offset
        let type = try readByte(at: &offset)
        switch type {
        case 0x00...0x7f: return Int64(type)
        case 0xe0...0xff: return Int64(Int8(bitPattern: type))
        case 0xcc: return Int64(try bigEndian(at: &offset, as: UInt8.self))
        case 0xcd: return Int64(try bigEndian(at: &offset, as: UInt16.self))
        case 0xce: return Int64(try bigEndian(at: &offset, as: UInt32.self))
        case 0xcf:
            let value = try bigEndian(at: &offset, as: UInt64.self)
            guard let value = Int64(exactly: value) else { throw WireError(.badValue, at: start) }
            return value
        case 0xd0: return Int64(try bigEndian(at: &offset, as: Int8.self))
        case 0xd1: return Int64(try bigEndian(at: &offset, as: Int16.self))
        case 0xd2: return Int64(try bigEndian(at: &offset, as: Int32.self))
        case 0xd3: return try bigEndian(at: &offset, as: Int64.self)
        default: throw WireError(.wrongType, at: start)
        }
    }

    /// An integer of a narrower type; `badValue` when it does not fit.
    public func readInteger<Integer: FixedWidthInteger>(
        at offset: inout Int, as: Integer.Type, field: String
    ) throws(WireError) -> Integer {
        let start = offset
        guard let value = Integer(exactly: try readInteger(at: &offset)) else {
            throw WireError(.badValue, at: start, field: field)
        }
        return value
    }

    public func readUnsigned(at offset: inout Int) throws(WireError) -> UInt64 {
        guard offset < count, self[offset] == 0xcf else {
            let start = offset
            guard let value = UInt64(exactly: try readInteger(at: &offset)) else {
                throw WireError(.badValue, at: start)
            }
            return value
        }
        offset += 1
        return try bigEndian(at: &offset, as: UInt64.self)
    }

    public func readDouble(at offset: inout Int) throws(WireError) -> Double {
        let start = offset
        switch try readByte(at: &offset) {
        case 0xcb: return Double(bitPattern: try bigEndian(at: &offset, as: UInt64.self))
        case 0xca: return Double(Float(bitPattern: try bigEndian(at: &offset, as: UInt32.self)))
        default: throw WireError(.wrongType, at: start)
        }
    }

    /// Moves past a string and returns where its bytes are.
    func readStringRange(at offset: inout Int) throws(WireError) -> Range<Int> {
        let start = offset
        let type = try readByte(at: &offset)
        let length: Int
        switch type {
        case 0xa0...0xbf: length = Int(type & 0x1f)
        case 0xd9: length = Int(try bigEndian(at: &offset, as: UInt8.self))
        case 0xda: length = Int(try bigEndian(at: &offset, as: UInt16.self))
        case 0xdb: length = Int(try bigEndian(at: &offset, as: UInt32.self))
        default: throw WireError(.wrongType, at: start)
        }
        guard length <= count - offset else { throw WireError(.truncated, at: start) }
        defer { offset += length }
        return offset..<offset + length
    }

    /// A string of at most `maximum` bytes of valid UTF-8.
    public func readString(at offset: inout Int, maximum: Int, field: String) throws(WireError) -> String {
        let start = offset
        let range = try readStringRange(at: &offset)
        guard range.count <= maximum else { throw WireError(.badValue, at: start, field: field) }
        let string = unsafe extracting(range).withUnsafeBufferPointer {
            unsafe String(validating: $0, as: UTF8.self)
        }
        guard let string else {
            throw WireError(.badValue, at: start, field: field)
        }
        return string
    }

    /// Binary of at most `maximum` bytes.
    public func readBinary(at offset: inout Int, maximum: Int, field: String) throws(WireError) -> [UInt8] {
        let start = offset
        let length: Int
        switch try readByte(at: &offset) {
        case 0xc4: length = Int(try bigEndian(at: &offset, as: UInt8.self))
        case 0xc5: length = Int(try bigEndian(at: &offset, as: UInt16.self))
        case 0xc6: length = Int(try bigEndian(at: &offset, as: UInt32.self))
        default: throw WireError(.wrongType, at: start)
        }
        guard length <= count - offset else { throw WireError(.truncated, at: start) }
        guard length <= maximum else { throw WireError(.badValue, at: start, field: field) }
        defer { offset += length }
        return copy(offset..<offset + length)
    }

    /// The bytes of one value of any type, as they are.
    public func readRaw(at offset: inout Int, maximum: Int, field: String) throws(WireError) -> [UInt8] {
        let start = offset
        try skipValue(at: &offset)
        guard offset - start <= maximum else { throw WireError(.badValue, at: start, field: field) }
        return copy(start..<offset)
    }

    private func copy(_ range: Range<Int>) -> [UInt8] {
        unsafe extracting(range).withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// 16 bytes of binary.
    public func readKey(at offset: inout Int) throws(WireError) -> UInt128 {
        let start = offset
        guard try readByte(at: &offset) == 0xc4, try readByte(at: &offset) == 16 else {
            throw WireError(.wrongType, at: start, field: "key")
        }
        return try bigEndian(at: &offset, as: UInt128.self)
    }

    public func readArrayCount(at offset: inout Int) throws(WireError) -> Int {
        let start = offset
        let type = try readByte(at: &offset)
        switch type {
        case 0x90...0x9f: return Int(type & 0x0f)
        case 0xdc: return try checked(Int(try bigEndian(at: &offset, as: UInt16.self)), offset)
        case 0xdd: return try checked(Int(try bigEndian(at: &offset, as: UInt32.self)), offset)
        default: throw WireError(.wrongType, at: start)
        }
    }

    public func readMapCount(at offset: inout Int) throws(WireError) -> Int {
        let start = offset
        let type = try readByte(at: &offset)
        switch type {
        case 0x80...0x8f: return Int(type & 0x0f)
        case 0xde: return try checked(Int(try bigEndian(at: &offset, as: UInt16.self)), offset)
        case 0xdf: return try checked(Int(try bigEndian(at: &offset, as: UInt32.self)), offset)
        default: throw WireError(.wrongType, at: start)
        }
    }

    /// Every element takes at least a byte, so a count beyond what is left is a lie.
    private func checked(_ elements: Int, _ offset: Int) throws(WireError) -> Int {
        guard elements <= count - offset else { throw WireError(.truncated, at: offset) }
        return elements
    }

    /// Reads a map whose keys are strings. `field` reads the value of a name that it knows and returns true;
    /// values of other names are skipped.
    @inline(__always)
    public func readMap(
        at offset: inout Int, _ field: (FieldName, inout Int) throws(WireError) -> Bool
    ) throws(WireError) {
        for _ in 0..<(try readMapCount(at: &offset)) {
            let range = try readStringRange(at: &offset)
            let name = FieldName(hash: FNV1a.hash(self, from: range.lowerBound, to: range.upperBound))
            if try !field(name, &offset) { try skipValue(at: &offset) }
        }
    }

    /// Moves past one value of any type.
    public func skipValue(at offset: inout Int) throws(WireError) {
        try skipValue(at: &offset, depth: 0)
    }

    private func skipValue(at offset: inout Int, depth: Int) throws(WireError) {
        guard depth < Self.maximumDepth else { throw WireError(.tooDeep, at: offset) }
        let start = offset
        let type = try readByte(at: &offset)
        switch type {
        case 0x00...0x7f, 0xe0...0xff, 0xc0, 0xc2, 0xc3: return
        case 0x80...0x8f: try skipValues(2 * Int(type & 0x0f), at: &offset, depth: depth)
        case 0x90...0x9f: try skipValues(Int(type & 0x0f), at: &offset, depth: depth)
        case 0xa0...0xbf: try skip(Int(type & 0x1f), at: &offset)
        case 0xc4, 0xd9: try skip(Int(try bigEndian(at: &offset, as: UInt8.self)), at: &offset)
        case 0xc5, 0xda: try skip(Int(try bigEndian(at: &offset, as: UInt16.self)), at: &offset)
        case 0xc6, 0xdb: try skip(Int(try bigEndian(at: &offset, as: UInt32.self)), at: &offset)
        case 0xc7: try skip(1 + Int(try bigEndian(at: &offset, as: UInt8.self)), at: &offset)
        case 0xc8: try skip(1 + Int(try bigEndian(at: &offset, as: UInt16.self)), at: &offset)
        case 0xc9: try skip(1 + Int(try bigEndian(at: &offset, as: UInt32.self)), at: &offset)
        case 0xcc, 0xd0: try skip(1, at: &offset)
        case 0xcd, 0xd1, 0xd4: try skip(2, at: &offset)
        case 0xd5: try skip(3, at: &offset)
        case 0xca, 0xce, 0xd2: try skip(4, at: &offset)
        case 0xd6: try skip(5, at: &offset)
        case 0xcb, 0xcf, 0xd3: try skip(8, at: &offset)
        case 0xd7: try skip(9, at: &offset)
        case 0xd8: try skip(17, at: &offset)
        case 0xdc: try skipValues(Int(try bigEndian(at: &offset, as: UInt16.self)), at: &offset, depth: depth)
        case 0xdd: try skipValues(Int(try bigEndian(at: &offset, as: UInt32.self)), at: &offset, depth: depth)
        case 0xde:
            try skipValues(2 * Int(try bigEndian(at: &offset, as: UInt16.self)), at: &offset, depth: depth)
        case 0xdf:
            try skipValues(2 * Int(try bigEndian(at: &offset, as: UInt32.self)), at: &offset, depth: depth)
        default: throw WireError(.wrongType, at: start)
        }
    }

    private func skipValues(_ number: Int, at offset: inout Int, depth: Int) throws(WireError) {
        for _ in 0..<(try checked(number, offset)) { try skipValue(at: &offset, depth: depth + 1) }
    }

    private func skip(_ length: Int, at offset: inout Int) throws(WireError) {
        guard length <= count - offset else { throw WireError(.truncated, at: offset) }
        offset += length
    }
}

/// The name of a field in a body, compared by its hash: nothing is allocated to read one.
///
/// Two known names never share a hash (a test checks); an unknown name that does is its sender's problem.
public struct FieldName: Hashable, Sendable, ExpressibleByStringLiteral {
    let hash: UInt64
    init(hash: UInt64) { self.hash = hash }
    public init(stringLiteral name: String) { hash = FNV1a.hash(name.utf8) }
}
