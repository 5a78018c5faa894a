public import Wire

/// A mail server that takes messages for others, and what it knows us by.
public struct MailServer: Sendable {
    /// `smtp://host:port`, where TLS is begun with STARTTLS, or `smtps://host:port`.
    public let url: String
    public var user: String?
    /// Never in a log line, nor in a command line.
    public var password: String?
    /// Goes on without TLS where the server offers none. Whoever is on the way can then read all of it.
    public var allowsPlain = false
    /// A file of certificates to trust instead of the system's.
    public var authorities: String?
    public var connectTimeout = TimeAmount.seconds(10)
    /// For one message, connecting included.
    public var timeout = TimeAmount.seconds(30)

    /// Why a text is no mail server.
    public struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        public let words: String
        public var description: String { words }
    }

    /// - Throws: `Mistake`, with what to write instead.
    public init(_ url: String) throws(Mistake) {
        let rest: Substring
        if url.hasPrefix("smtp://") {
            rest = url.dropFirst(7)
        } else if url.hasPrefix("smtps://") {
            rest = url.dropFirst(8)
        } else {
            throw Mistake(words: "‘\(url)’ is not a mail server: write smtp://host:587, or smtps://host:465")
        }
        // A password in an address ends up in logs and process lists.
        guard !rest.contains("@") else {
            throw Mistake(words: "the mail server's address holds a user: give it with --smtp-user")
        }
        let isHost =
            !rest.isEmpty
            && rest.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: ":"),
                    UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
        guard isHost else {
            throw Mistake(words: "‘\(url)’ is not a mail server: write smtp://host:587, or smtps://host:465")
        }
        self.url = url
    }
}
