extension Span where Element == UInt8 {
    /// Reads a little-endian integer, the header's byte order, chosen because every machine we run on has it. The
    /// caller has made sure that it lies within the bytes.
    @inline(__always)
    @unsafe
    func littleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(unchecked offset: Int, as: Integer.Type)
        -> Integer
    {
        // Any bit pattern is an integer.
        Integer(
            littleEndian: unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: offset, as: Integer.self))
    }

    /// Reads a big-endian integer, MessagePack's byte order, or throws when the bytes end before it.
    @inline(__always)
    func bigEndian<Integer: FixedWidthInteger & BitwiseCopyable>(
        at offset: inout Int, as: Integer.Type
    ) throws(WireError) -> Integer {
        guard count - offset >= MemoryLayout<Integer>.size else { throw WireError(.truncated, at: offset) }
        let value = Integer(
            bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Integer.self))
        offset += MemoryLayout<Integer>.size
        return value
    }
}

extension MutableSpan where Element == UInt8 {
    /// Writes a little-endian integer. The caller has made sure that it lies within the bytes.
    @inline(__always)
    @unsafe
    mutating func store<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer, unchecked offset: Int)
    {
        var raw = unsafe mutableBytes
        unsafe raw.storeBytes(of: value.littleEndian, toUncheckedByteOffset: offset, as: Integer.self)
    }
}
