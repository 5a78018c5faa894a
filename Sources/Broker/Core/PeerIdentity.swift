import Wire

/// The identity of a ROUTER's peer: 5 bytes made by libzmq, or up to 16 that the peer chose.
public struct PeerIdentity: Hashable, Sendable {
    private let low: UInt64
    private let high: UInt64
    private let count: UInt8

    /// Copies an identity; nil when it is empty or longer than the protocol allows.
    public init?(_ bytes: Span<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Limits.identityLength else { return nil }
        var low: UInt64 = 0
        var high: UInt64 = 0
        for index in 0..<bytes.count {
            if index < 8 {
                low |= UInt64(bytes[index]) << (8 * UInt64(index))
            } else {
                high |= UInt64(bytes[index]) << (8 * UInt64(index - 8))
            }
        }
        self.low = low
        self.high = high
        count = UInt8(bytes.count)
    }

    /// Lends the bytes, to address the peer with.
    public func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
        let (low, high) = (low, high)
        let bytes = InlineArray<16, UInt8> { index in
            UInt8(
                truncatingIfNeeded: index < 8 ? low >> (8 * UInt64(index)) : high >> (8 * UInt64(index - 8)))
        }
        return body(bytes.span.extracting(0..<Int(count)))
    }
}
