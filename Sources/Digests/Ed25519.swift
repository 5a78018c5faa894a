import COpenSSL
import Sales

/// The key that signatures are checked with (Ed25519, RFC 8032): 32 bytes, no secret.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    public static let size = 32
    public let bytes: [UInt8]

    /// Nil unless there are 32 bytes. Whether they are a point of the curve shows with the first signature.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == PublicKey.size else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads 64 hexadecimal digits.
    public init?(_ text: String) {
        guard let bytes = Hexadecimal.bytes(text) else { return nil }
        self.init(bytes: bytes)
    }

    public var description: String { Hexadecimal.text(bytes) }

    /// What signatures name it by.
    public var id: KeyID {
        KeyID(rawValue: SHA256.hash(bytes.span).words.0)
    }

    /// True if the signature is this key's over exactly these bytes.
    public func verifies(_ signature: Signature, of message: [UInt8]) -> Bool {
        guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count) else {
            return false
        }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a signature") }
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature.bytes, Signature.size, message, message.count) == 1
    }
}

/// Names a public key: the first eight bytes of its SHA-256.
public struct KeyID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public static let size = 8
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Nil unless there are eight bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == KeyID.size else { return nil }
        rawValue = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads 16 hexadecimal digits.
    public init?(_ text: String) {
        guard let bytes = Hexadecimal.bytes(text) else { return nil }
        self.init(bytes: bytes)
    }

    public var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: rawValue >> (56 - 8 * UInt64($0))) } }

    public var description: String { Hexadecimal.text(bytes) }
}

/// An Ed25519 signature.
public struct Signature: Hashable, Sendable {
    public static let size = 64
    public let bytes: [UInt8]

    /// Nil unless there are 64 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Signature.size else { return nil }
        self.bytes = Array(bytes)
    }
}

/// The secret that signatures are made with: 32 bytes, from which the public key follows.
public struct SigningKey: Sendable {
    /// The secret.
    public let seed: [UInt8]
    public let publicKey: PublicKey

    /// A new key, of the system's randomness. Nil when there is none.
    public init?() {
        var seed = [UInt8](repeating: 0, count: 32)
        guard RAND_priv_bytes(&seed, 32) == 1 else { return nil }
        self.init(seed: seed)
    }

    /// Nil unless there are 32 bytes.
    public init?(seed: [UInt8]) {
        guard seed.count == 32, let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, 32) else {
            return nil
        }
        defer { EVP_PKEY_free(key) }
        var bytes = [UInt8](repeating: 0, count: PublicKey.size)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, let own = PublicKey(bytes: bytes) else {
            return nil
        }
        self.seed = seed
        publicKey = own
    }
}

/// Makes signatures with one key. Not `Sendable`: it keeps libcrypto's context, to be used again.
public final class Signer {
    public let publicKey: PublicKey
    public let id: KeyID
    private let key: OpaquePointer
    private let context: OpaquePointer

    public init(_ signingKey: SigningKey) {
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, signingKey.seed, 32),
            let context = EVP_MD_CTX_new()
        else { preconditionFailure("no memory for a key that was one before") }
        (self.key, self.context) = (key, context)
        publicKey = signingKey.publicKey
        id = signingKey.publicKey.id
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_PKEY_free(key)
    }

    /// Some 50 microseconds.
    public func sign(_ message: [UInt8]) -> Signature {
        var bytes = [UInt8](repeating: 0, count: Signature.size)
        var count = bytes.count
        EVP_MD_CTX_reset(context)
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            EVP_DigestSign(context, &bytes, &count, message, message.count) == 1,
            let signature = Signature(bytes: bytes)
        else { preconditionFailure("Ed25519 signs every message; libcrypto refused one") }
        return signature
    }
}
