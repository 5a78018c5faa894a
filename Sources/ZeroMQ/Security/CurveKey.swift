import CZeroMQ

/// A public key of CURVE: 32 bytes of Curve25519 (RFC 26 of ZeroMQ), written as 40 characters of Z85 (RFC 32).
public struct CurveKey: Hashable, Sendable, CustomStringConvertible {
    /// Words, so that a key is compared and hashed without touching the heap.
    private let words: SIMD4<UInt64>

    /// Length of a key in bytes, and of its text in characters.
    static let size = 32
    static let textLength = 40

    /// Takes the 32 bytes of a key as they travel; nil for any other number of bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.enumerated() {
            words[index / 8] |= UInt64(byte) << (8 * UInt64(index % 8))
        }
        self.words = words
    }

    /// Reads a key's text; nil when it is none.
    public init?(_ text: String) {
        guard let bytes = Z85.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    var bytes: [UInt8] {
        (0..<Self.size).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (8 * UInt64($0 % 8))) }
    }

    /// The key's text. A public key is no secret.
    public var description: String { Z85.encode(bytes) }
}

/// The text form of keys (RFC 32 of ZeroMQ), by libzmq.
enum Z85 {
    /// Nil unless the text is exactly that of 32 bytes.
    static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.count == CurveKey.textLength else { return nil }
        var bytes = [UInt8](repeating: 0, count: CurveKey.size)
        guard zmq_z85_decode(&bytes, text) != nil else { return nil }
        // A key has one spelling: what does not come back as it was is none, whatever the decoder took it for.
        return encode(bytes) == text ? bytes : nil
    }

    /// - Parameter bytes: 32 of them.
    static func encode(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: CurveKey.textLength + 1)
        guard zmq_z85_encode(&text, bytes, bytes.count) != nil else {
            preconditionFailure("zmq_z85_encode refused \(bytes.count) bytes")
        }
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
