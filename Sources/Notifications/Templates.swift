public import Methods

/// The templates of every occasion, language and channel: those that come with the program, or an operator's own.
public struct Templates: Sendable {
    private struct Name: Hashable {
        let occasion: Occasion
        let language: Language
        let channel: Channel

        /// As `placed.zh.mail.txt`.
        var file: String { "\(occasion.rawValue).\(language.rawValue).\(channel.rawValue).txt" }
    }

    private struct Entry {
        /// Of mail only.
        let subject: Template?
        let body: Template
    }

    private var entries: [Name: Entry] = [:]

    /// The largest template, in bytes.
    public static let maximumSize = 16_384
    /// The longest filled-in short message, in characters: about eight parts of a network's.
    static let longestMessage = 500

    /// - Parameter override: the text of a file that an operator has put in place of ours, by name; nil if there is
    ///   none.
    /// - Throws: `Template.Mistake`, which names the file.
    public init(override: (String) throws(Template.Mistake) -> String?) throws(Template.Mistake) {
        for (name, text) in Templates.own {
            let file = name.file
            let text = try override(file) ?? text
            do throws(Template.Mistake) {
                entries[name] = try Templates.parse(text, name.channel)
            } catch {
                throw Template.Mistake(words: "the template \(file) has \(error.words)")
            }
        }
    }

    /// Those of the program.
    public init() {
        do throws(Template.Mistake) {
            self = try Templates { _ in nil }
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Names of all files, which an operator may put into a folder of his own.
    public static let files: [String] = own.map { $0.0.file }
    /// The texts of the program, by file.
    public static var texts: [(file: String, text: String)] { own.map { ($0.0.file, $0.1) } }

    /// Subject and text of a message.
    public struct Message: Hashable, Sendable {
        /// Empty for short messages.
        public var subject: String
        public var text: String

        public init(subject: String, text: String) {
            self.subject = subject
            self.text = text
        }
    }

    /// - Throws: `Template.Mistake` if the event does not say what the template needs, or the text gets too long.
    public func message(
        for event: OrderEvent, _ language: Language, _ channel: Channel, offset: UTCOffset
    ) throws(Template.Mistake) -> Message {
        guard let entry = entries[Name(occasion: event.occasion, language: language, channel: channel)] else {
            preconditionFailure("every occasion has a template")
        }
        let word = { (place: Template.Placeholder) in event.word(place, offset: offset) }
        let message = Message(
            subject: try entry.subject?.filled(word) ?? "", text: try entry.body.filled(word))
        guard channel == .mail || message.text.count <= Templates.longestMessage else {
            throw Template.Mistake(
                words:
                    "the short message has \(message.text.count) characters, more than \(Templates.longestMessage)"
            )
        }
        return message
    }

    /// A mail's first line is its subject, the second is empty.
    private static func parse(_ text: String, _ channel: Channel) throws(Template.Mistake) -> Entry {
        guard text.utf8.count <= maximumSize else {
            throw Template.Mistake(words: "more than \(maximumSize) bytes")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasSuffix("\r") ? line.dropLast() : line
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard channel == .mail else {
            guard !lines.isEmpty else { throw Template.Mistake(words: "no text") }
            return Entry(subject: nil, body: try Template(lines.joined(separator: "\n")))
        }
        guard let first = lines.first, first.hasPrefix("Subject: "), first.count > 9, lines.count > 2,
            lines[1].isEmpty
        else {
            throw Template.Mistake(words: "no \"Subject: …\" in its first line, an empty line and a text")
        }
        return Entry(
            subject: try Template(String(first.dropFirst(9))),
            body: try Template(lines.dropFirst(2).joined(separator: "\n") + "\n"))
    }

    private static let own: [(Name, String)] = [
        file(.placed, .chinese, .mail, PackageResources.placed_zh_mail_txt),
        file(.placed, .chinese, .sms, PackageResources.placed_zh_sms_txt),
        file(.placed, .english, .mail, PackageResources.placed_en_mail_txt),
        file(.placed, .english, .sms, PackageResources.placed_en_sms_txt),
        file(.offered, .chinese, .mail, PackageResources.offered_zh_mail_txt),
        file(.offered, .chinese, .sms, PackageResources.offered_zh_sms_txt),
        file(.offered, .english, .mail, PackageResources.offered_en_mail_txt),
        file(.offered, .english, .sms, PackageResources.offered_en_sms_txt),
        file(.paid, .chinese, .mail, PackageResources.paid_zh_mail_txt),
        file(.paid, .chinese, .sms, PackageResources.paid_zh_sms_txt),
        file(.paid, .english, .mail, PackageResources.paid_en_mail_txt),
        file(.paid, .english, .sms, PackageResources.paid_en_sms_txt),
        file(.expired, .chinese, .mail, PackageResources.expired_zh_mail_txt),
        file(.expired, .chinese, .sms, PackageResources.expired_zh_sms_txt),
        file(.expired, .english, .mail, PackageResources.expired_en_mail_txt),
        file(.expired, .english, .sms, PackageResources.expired_en_sms_txt),
        file(.cancelled, .chinese, .mail, PackageResources.cancelled_zh_mail_txt),
        file(.cancelled, .chinese, .sms, PackageResources.cancelled_zh_sms_txt),
        file(.cancelled, .english, .mail, PackageResources.cancelled_en_mail_txt),
        file(.cancelled, .english, .sms, PackageResources.cancelled_en_sms_txt),
        file(.refunded, .chinese, .mail, PackageResources.refunded_zh_mail_txt),
        file(.refunded, .chinese, .sms, PackageResources.refunded_zh_sms_txt),
        file(.refunded, .english, .mail, PackageResources.refunded_en_mail_txt),
        file(.refunded, .english, .sms, PackageResources.refunded_en_sms_txt),
    ]

    private static func file(
        _ occasion: Occasion, _ language: Language, _ channel: Channel, _ bytes: [UInt8]
    ) -> (Name, String) {
        (
            Name(occasion: occasion, language: language, channel: channel),
            String(decoding: bytes, as: UTF8.self)
        )
    }
}
