import COpenSSL
public import Sales

/// SHA-256 (FIPS 180-4), as libcrypto computes it. Pure functions: nothing is kept, nothing is allocated.
public enum SHA256 {
    /// The digest of one byte and what follows it.
    @inline(__always)
    public static func hash(_ first: UInt8, _ bytes: Span<UInt8>) -> Digest {
        var context = SHA256_CTX()
        SHA256_Init(&context)
        withUnsafeBytes(of: first) { _ = SHA256_Update(&context, $0.baseAddress, 1) }
        bytes.withUnsafeBufferPointer { _ = SHA256_Update(&context, $0.baseAddress, $0.count) }
        return finish(&context)
    }

    /// The digest of one byte and two digests.
    @inline(__always)
    public static func hash(_ first: UInt8, _ left: Digest, _ right: Digest) -> Digest {
        let (left, right) = (left.words, right.words)
        var words = (
            left.0.bigEndian, left.1.bigEndian, left.2.bigEndian, left.3.bigEndian,
            right.0.bigEndian, right.1.bigEndian, right.2.bigEndian, right.3.bigEndian
        )
        var context = SHA256_CTX()
        SHA256_Init(&context)
        withUnsafeBytes(of: first) { _ = SHA256_Update(&context, $0.baseAddress, 1) }
        withUnsafeBytes(of: &words) { _ = SHA256_Update(&context, $0.baseAddress, $0.count) }
        return finish(&context)
    }

    /// The digest of some bytes.
    public static func hash(_ bytes: Span<UInt8>) -> Digest {
        var context = SHA256_CTX()
        SHA256_Init(&context)
        bytes.withUnsafeBufferPointer { _ = SHA256_Update(&context, $0.baseAddress, $0.count) }
        return finish(&context)
    }

    /// The functions above fail only for a nil context.
    @inline(__always)
    private static func finish(_ context: inout SHA256_CTX) -> Digest {
        var words = (0, 0, 0, 0) as (UInt64, UInt64, UInt64, UInt64)
        withUnsafeMutableBytes(of: &words) {
            _ = SHA256_Final($0.baseAddress!.assumingMemoryBound(to: UInt8.self), &context)
        }
        return Digest(
            words: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian))
    }
}
