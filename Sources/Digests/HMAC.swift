import COpenSSL

/// HMAC-SHA256 (RFC 2104).
public enum HMAC {
    public static let size = 32

    /// - Parameter key: the secret, of any length; 32 random bytes are what RFC 2104 §3 asks for.
    public static func sha256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: size)
        // Without this context libcrypto takes the process's default provider and cannot fail but for memory.
        let result = EVP_Q_mac(
            nil, "HMAC", nil, "SHA256", nil, key, key.count, message, message.count, &code, size, nil)
        precondition(result != nil, "libcrypto has no HMAC-SHA256")
        return code
    }

    /// Whether two codes are the same, in a time that does not tell where they differ.
    public static func areSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && CRYPTO_memcmp(one, other, one.count) == 0
    }
}
