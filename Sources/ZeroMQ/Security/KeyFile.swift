import Glibc

/// The files that keys are kept in: lines of `public` or `secret` and a key, and comments that begin with `#`.
///
/// `NAME.key` has both lines and is for its owner alone (0600); `NAME.pub` has the public one, for whoever
/// connects to that process or lists it.
public enum KeyFile {
    /// Reads the key pair of a process.
    ///
    /// - Throws: when the file cannot be read, may be read by others, or does not hold one pair.
    public static func load(_ path: String) throws(SecurityError) -> CurveKeyPair {
        let text = try SecretFile.read(path, what: "key file", .ownerOnly)
        let keys = try parse(text, path)
        guard let secret = keys.secret, let pair = CurveKeyPair(secretText: secret) else {
            throw SecurityError(
                "the key file ‘\(path)’ has no secret key: name the .key file that `stampede keygen` made")
        }
        if let publicText = keys.public, CurveKey(publicText) != pair.publicKey {
            throw SecurityError(
                "the two keys in ‘\(path)’ do not belong together: make a new pair with `stampede keygen`")
        }
        return pair
    }

    /// Reads a public key: that of a file, if there is one of that name, else the text itself.
    public static func publicKey(_ pathOrText: String) throws(SecurityError) -> CurveKey {
        if access(pathOrText, F_OK) != 0, let key = CurveKey(pathOrText) { return key }
        let text = try SecretFile.read(pathOrText, what: "public key, or a file with one,", .anybody)
        guard let key = try parse(text, pathOrText).public.flatMap({ CurveKey($0) }) else {
            throw SecurityError(
                "the file ‘\(pathOrText)’ has no public key: name the .pub file that `stampede keygen` made")
        }
        return key
    }

    /// What is written for a pair. The name is only for people.
    public static func text(of pair: CurveKeyPair, name: String) -> String {
        """
        # The key pair of “\(name)”. Who has the secret is “\(name)”: keep this file to its owner (mode 0600).
        public \(pair.publicKey)
        secret \(pair.secretText)

        """
    }

    /// What is written for a public key alone.
    public static func text(of key: CurveKey, name: String) -> String {
        """
        # The public key of “\(name)”. It is no secret.
        public \(key)

        """
    }

    private static func parse(
        _ text: String, _ path: String
    ) throws(SecurityError) -> (public: String?, secret: String?) {
        var keys: (public: String?, secret: String?) = (nil, nil)
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
            guard let kind = words.first, !kind.hasPrefix("#") else { continue }
            guard words.count == 2, Z85.decode(String(words[1])) != nil else {
                // The line is not shown: it may hold a secret.
                throw SecurityError(
                    "line \(index + 1) of ‘\(path)’ is no key: it must be ‘public’ or ‘secret’ and 40 characters"
                )
            }
            switch kind {
            case "public": keys.public = String(words[1])
            case "secret": keys.secret = String(words[1])
            default:
                throw SecurityError(
                    "line \(index + 1) of ‘\(path)’ is no key: it must begin with ‘public’ or ‘secret’")
            }
        }
        return keys
    }
}
