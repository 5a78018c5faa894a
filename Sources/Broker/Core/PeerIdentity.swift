import Wire

/// The identity of a ROUTER's peer: 5 bytes made by libzmq, or up to 16 that the peer chose.
public struct PeerIdentity: Hashable, Sendable {
    /// The bytes as they stand in memory, and zeros.
    private let words: (UInt64, UInt64)
    private let count: UInt8

    /// Copies an identity; nil when it is empty or longer than the protocol allows.
    public init?(_ bytes: Span<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Limits.identityLength else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes(of: &words) { unsafe $0.copyMemory(from: source) }
        }
        self.words = words
        count = UInt8(bytes.count)
    }

    /// Lends the bytes, to address the peer with.
    public func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
        unsafe withUnsafeBytes(of: words) { bytes in
            body(unsafe Span(_unsafeBytes: bytes).extracting(first: Int(count)))
        }
    }

    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.words == rhs.words && lhs.count == rhs.count
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(count)
    }
}
