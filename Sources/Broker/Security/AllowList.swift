import Wire
public import ZeroMQ

/// Who may connect to a broker, and as what: the content of an allow-list file.
///
/// A line per key, `ROLE[,ROLE] NAME KEY`; lines that begin with `#` are comments (no others, because `#` is
/// also a character of keys).
public struct AllowList: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public let roles: Roles
        /// For people. Two keys may have one name while the older is being replaced.
        public let name: String
        public let key: CurveKey
    }

    public let entries: [Entry]

    public static let maximumEntries = 10_000
    private static let maximumMistakesTold = 10

    /// Reads a file's text.
    ///
    /// - Parameter path: of the file, for the sentence.
    /// - Throws: all mistakes by their lines. A list without a key is a mistake too: it is what a file looks
    ///   like that is just being written.
    public init(parsing text: String, path: String) throws(SecurityError) {
        var entries: [Entry] = []
        var lines: [CurveKey: Int] = [:]
        var mistakes: [String] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" })
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            do throws(Mistake) {
                let entry = try Entry(words)
                if let earlier = lines.updateValue(index + 1, forKey: entry.key) {
                    throw Mistake("the key is in line \(earlier) already")
                }
                entries.append(entry)
            } catch {
                mistakes.append("line \(index + 1): \(error.text)")
            }
        }
        if mistakes.isEmpty && entries.isEmpty {
            throw SecurityError(
                "the allow-list ‘\(path)’ has no key: add the line that `stampede keygen` prints")
        }
        if entries.count > Self.maximumEntries {
            mistakes.append("there are more than \(Self.maximumEntries) keys")
        }
        guard mistakes.isEmpty else {
            let more = mistakes.count - Self.maximumMistakesTold
            let told = mistakes.prefix(Self.maximumMistakesTold) + (more > 0 ? ["and \(more) more"] : [])
            throw SecurityError("mend the allow-list ‘\(path)’: \(told.joined(separator: "; "))")
        }
        self.entries = entries
    }

    /// Reads a file.
    public static func load(_ path: String) throws(SecurityError) -> AllowList {
        try AllowList(
            parsing: try SecretFile.read(path, what: "allow-list", .ownerWrites), path: path)
    }

    fileprivate struct Mistake: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}

extension AllowList.Entry {
    fileprivate init(_ words: [Substring]) throws(AllowList.Mistake) {
        guard words.count == 3 else {
            throw AllowList.Mistake("write ROLE[,ROLE] NAME KEY, not \(words.count) words")
        }
        var roles: Roles = []
        for word in words[0].split(separator: ",", omittingEmptySubsequences: false) {
            guard let role = Role(rawValue: String(word)) else {
                throw AllowList.Mistake("‘\(word.prefix(40))’ is no role: write service, operator or worker")
            }
            roles.insert(Roles(role))
        }
        guard words[1].utf8.count <= Limits.nameLength else {
            throw AllowList.Mistake("the name is longer than \(Limits.nameLength) bytes")
        }
        // The text is not shown: it may be a secret key put here by mistake.
        guard let key = CurveKey(String(words[2])) else {
            throw AllowList.Mistake("the key is not the 40 characters of a public key")
        }
        self.init(roles: roles, name: String(words[1]), key: key)
    }
}
