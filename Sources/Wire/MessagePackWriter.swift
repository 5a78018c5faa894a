/// Appends MessagePack values (msgpack/spec.md) to a buffer that is used again and again.
public struct MessagePackWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Forgets the content and keeps the memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Makes room for `capacity` bytes at once, instead of by doubling.
    public mutating func reserve(_ capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Begins a whole frame: the 64 bytes of its header. What is appended next is metadata, if there is any, and
    /// body.
    public mutating func header(_ header: Header) {
        precondition(bytes.isEmpty, "a frame begins with its header")
        bytes.append(contentsOf: repeatElement(0, count: Header.size))
        var span = bytes.mutableSpan
        header.encode(into: &span)
    }

    public mutating func null() { bytes.append(0xc0) }
    public mutating func bool(_ value: Bool) { bytes.append(value ? 0xc3 : 0xc2) }

    /// The shortest form that holds the value, as the specification recommends.
    public mutating func integer(_ value: Int64) {
        if value >= 0 { return unsigned(UInt64(value)) }
        switch value {
        case -32...(-1): bytes.append(UInt8(bitPattern: Int8(value)))
        case Int64(Int8.min)...: append(0xd0, UInt8(bitPattern: Int8(value)))
        case Int64(Int16.min)...: append(0xd1, UInt16(bitPattern: Int16(value)))
        case Int64(Int32.min)...: append(0xd2, UInt32(bitPattern: Int32(value)))
        default: append(0xd3, UInt64(bitPattern: value))
        }
    }

    public mutating func unsigned(_ value: UInt64) {
        switch value {
        case 0...0x7f: bytes.append(UInt8(value))
        case 0...0xff: append(0xcc, UInt8(value))
        case 0...0xffff: append(0xcd, UInt16(value))
        case 0...0xffff_ffff: append(0xce, UInt32(value))
        default: append(0xcf, value)
        }
    }

    public mutating func double(_ value: Double) { append(0xcb, value.bitPattern) }

    public mutating func string(_ value: String) {
        let utf8 = value.utf8
        stringHeader(utf8.count)
        bytes.append(contentsOf: utf8)
    }

    public mutating func string(_ value: StaticString) {
        stringHeader(value.utf8CodeUnitCount)
        value.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Announces a string of `count` bytes that the caller appends with `raw`.
    public mutating func stringHeader(_ count: Int) {
        switch count {
        case 0...31: bytes.append(0xa0 | UInt8(count))
        case 0...0xff: append(0xd9, UInt8(count))
        case 0...0xffff: append(0xda, UInt16(count))
        default: append(0xdb, UInt32(count))
        }
    }

    public mutating func raw(_ byte: UInt8) { bytes.append(byte) }

    public mutating func binary(_ value: [UInt8]) {
        switch value.count {
        case 0...0xff: append(0xc4, UInt8(value.count))
        case 0...0xffff: append(0xc5, UInt16(value.count))
        default: append(0xc6, UInt32(value.count))
        }
        bytes.append(contentsOf: value)
    }

    /// Appends values that are MessagePack already.
    public mutating func raw(_ values: some Sequence<UInt8>) { bytes.append(contentsOf: values) }

    /// 16 bytes of binary: a request key, most significant byte first.
    public mutating func key(_ value: UInt128) {
        bytes.append(0xc4)
        bytes.append(16)
        append(UInt64(truncatingIfNeeded: value >> 64))
        append(UInt64(truncatingIfNeeded: value))
    }

    public mutating func array(_ count: Int) {
        switch count {
        case 0...15: bytes.append(0x90 | UInt8(count))
        case 0...0xffff: append(0xdc, UInt16(count))
        default: append(0xdd, UInt32(count))
        }
    }

    public mutating func map(_ count: Int) {
        switch count {
        case 0...15: bytes.append(0x80 | UInt8(count))
        case 0...0xffff: append(0xde, UInt16(count))
        default: append(0xdf, UInt32(count))
        }
    }

    private mutating func append(_ type: UInt8, _ value: some FixedWidthInteger) {
        bytes.append(type)
        append(value)
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
