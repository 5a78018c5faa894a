import Digests
import Glibc
import ZeroMQ

/// The files that keys for receipts are kept in, as `KeyFile` keeps those of connections: lines of `public` or `secret`
/// and 64 hexadecimal digits, and comments that begin with `#`.
enum ReceiptKeyFile {
    /// Reads the key that a worker signs with.
    static func load(_ path: String) throws(SecurityError) -> SigningKey {
        let text = try SecretFile.read(path, what: "key file for receipts", .ownerOnly)
        let keys = try parse(text, path)
        guard let secret = keys.secret, let key = SigningKey(seed: secret) else {
            throw SecurityError(
                "the key file ‘\(path)’ has no secret key for receipts: name the .key file that ‘stampede keygen"
                    + " --receipts’ made")
        }
        if let known = keys.public, known != key.publicKey.bytes {
            throw SecurityError(
                "the two keys in ‘\(path)’ do not belong together: make a new pair with ‘stampede keygen --receipts’"
            )
        }
        return key
    }

    /// Reads a public key: that of a file, if there is one of that name, else the text itself.
    static func publicKey(_ pathOrText: String) throws(SecurityError) -> PublicKey {
        if access(pathOrText, F_OK) != 0, let key = PublicKey(pathOrText) { return key }
        let text = try SecretFile.read(pathOrText, what: "public key, or a file with one,", .anybody)
        guard let key = try parse(text, pathOrText).public.flatMap({ PublicKey(bytes: $0) }) else {
            throw SecurityError(
                "the file ‘\(pathOrText)’ has no public key for receipts: name the .pub file that ‘stampede keygen"
                    + " --receipts’ made")
        }
        return key
    }

    static func text(of key: SigningKey, name: String) -> String {
        """
        # The key “\(name)” signs receipts. Who has the secret can make some: keep this file to its owner (mode 0600).
        public \(key.publicKey)
        secret \(Hexadecimal.text(key.seed))

        """
    }

    static func text(of key: PublicKey, name: String) -> String {
        """
        # The public key “\(name)”, which receipts name as \(key.id). It is no secret.
        public \(key)

        """
    }

    private static func parse(
        _ text: String, _ path: String
    ) throws(SecurityError) -> (public: [UInt8]?, secret: [UInt8]?) {
        var keys: (public: [UInt8]?, secret: [UInt8]?) = (nil, nil)
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
            guard let kind = words.first, !kind.hasPrefix("#") else { continue }
            let bytes = words.count == 2 ? Hexadecimal.bytes(String(words[1])) : nil
            switch (kind, bytes) {
            case ("public", let bytes?) where bytes.count == 32: keys.public = bytes
            case ("secret", let bytes?) where bytes.count == 32: keys.secret = bytes
            default:
                // The line is not shown: it may hold a secret.
                throw SecurityError(
                    "line \(index + 1) of ‘\(path)’ is no key for receipts: it must be ‘public’ or ‘secret’ and 64"
                        + " hexadecimal digits")
            }
        }
        return keys
    }
}
