/// A method on the wire: the FNV-1a hash of its name.
public struct MethodID: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Hashes a name such as `order.place`.
    public init(_ name: String) { self.init(rawValue: FNV1a.hash(name.utf8)) }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv). Short names only; not for keys that an enemy may choose.
enum FNV1a {
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }

    static func hash(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in start..<end { hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}
