extension Span where Element == UInt8 {
    /// Reads a little-endian integer. The header's byte order, chosen because every machine we run on has it.
    @inline(__always)
    func littleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Integer.Type)
        -> Integer
    {
        // Bounds are checked by the load; any bit pattern is an integer.
        Integer(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Integer.self))
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
    @inline(__always)
    mutating func storeLittleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ value: Integer, at offset: Int
    ) {
        var raw = unsafe mutableBytes
        // Bounds are checked by the store.
        raw.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Integer.self)
    }
}
