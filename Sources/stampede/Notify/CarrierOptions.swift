import ArgumentParser
import FoundationEssentials
import HTTP
import Methods
import Notifications
import Notifier
import Wire
import ZeroMQ

/// How messages leave: a mail server, a provider of short messages, or both.
struct CarrierOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The mail server, smtp://host:587 (with STARTTLS) or smtps://host:465.", valueName: "url"))
    var smtp: String?

    @Option(help: "The user that the mail server knows us by.")
    var smtpUser: String?

    @Option(
        help: ArgumentHelp(
            "A file with that user's password, for its owner alone (mode 0600); or set STAMPEDE_SMTP_PASSWORD.",
            valueName: "file"))
    var smtpPasswordFile: String?

    @Option(
        name: .customLong("smtp-ca"),
        help: ArgumentHelp(
            "Certificates to trust instead of the system's, in PEM.", valueName: "file"))
    var smtpCA: String?

    @Flag(help: "Go on without TLS where the mail server offers none. Anybody on the way can read it then.")
    var smtpAllowPlain = false

    @Option(help: ArgumentHelp("The sender's address.", valueName: "address"))
    var mailFrom: String?

    @Option(help: ArgumentHelp("A name beside it.", valueName: "name"))
    var mailFromName: String?

    @Option(help: ArgumentHelp("Where the provider of short messages takes them, by POST.", valueName: "url"))
    var smsURL: String?

    @Option(
        help: ArgumentHelp(
            "A file with the provider's bearer token, for its owner alone (mode 0600); or set STAMPEDE_SMS_TOKEN.",
            valueName: "file"))
    var smsTokenFile: String?

    @Option(
        help: ArgumentHelp(
            "How long one message may take to be handed over. (default: 30)", valueName: "seconds")
    )
    var sendTimeout: Int?

    /// What makes a carrier, by channel.
    func carriers(_ settings: Settings) throws(Failure) -> [Channel: @Sendable () -> any Carrier] {
        let timeout = try sendTimeout(settings)
        var carriers: [Channel: @Sendable () -> any Carrier] = [:]
        if let url = try settings.string(smtp, "smtp") {
            let server = try mailServer(url, timeout, settings)
            let text = try settings.required(try settings.string(mailFrom, "mail-from"), "mail-from")
            guard let from = MailAddress(text) else {
                throw Failure(.usage, "--mail-from is ‘\(text)’: give an address such as orders@shop.example")
            }
            let name = try settings.string(mailFromName, "mail-from-name") ?? ""
            guard name.utf8.count <= 200, !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
                throw Failure(.usage, "--mail-from-name must be one line of at most 200 bytes")
            }
            carriers[.mail] = { MailCarrier(server, from: from, fromName: name) }
        }
        if let url = try settings.string(smsURL, "sms-url") {
            let token = try CarrierOptions.secret(
                try settings.string(smsTokenFile, "sms-token-file"), try settings.string(nil, "sms-token"))
            let provider: SMSProvider
            do throws(SMSProvider.Mistake) {
                provider = try SMSProvider(url, token: token, timeout: timeout)
            } catch {
                throw Failure(.usage, error.words)
            }
            carriers[.sms] = { SMSCarrier(provider) }
        }
        guard !carriers.isEmpty else {
            throw Failure(.usage, "there is no way to send: give --smtp, --sms-url, or both")
        }
        return carriers
    }

    func sendTimeout(_ settings: Settings) throws(Failure) -> TimeAmount {
        .seconds(Int64(try settings.integer(sendTimeout, "send-timeout", in: 1...300, default: 30)))
    }

    private func mailServer(
        _ url: String, _ timeout: TimeAmount, _ settings: Settings
    ) throws(Failure) -> MailServer {
        var server: MailServer
        do throws(MailServer.Mistake) {
            server = try MailServer(url)
        } catch {
            throw Failure(.usage, error.words)
        }
        server.user = try settings.string(smtpUser, "smtp-user")
        server.password = try CarrierOptions.secret(
            try settings.string(smtpPasswordFile, "smtp-password-file"),
            try settings.string(nil, "smtp-password"))
        guard (server.user == nil) == (server.password == nil) else {
            throw Failure(
                .usage,
                "--smtp-user needs a password, and the other way round: give --smtp-password-file, or set STAMPEDE_SMTP_PASSWORD"
            )
        }
        server.authorities = try settings.string(smtpCA, "smtp-ca")
        if let file = server.authorities, !FileManager.default.isReadableFile(atPath: file) {
            throw Failure(.usage, "--smtp-ca ‘\(file)’ cannot be read: check its path")
        }
        server.allowsPlain = try settings.bool(smtpAllowPlain, "smtp-allow-plain")
        server.timeout = timeout
        server.connectTimeout = min(.seconds(10), timeout)
        return server
    }

    /// From a file, else from the environment or the configuration. Never from the command line, which everybody on the
    /// machine can read.
    private static func secret(_ file: String?, _ value: String?) throws(Failure) -> String? {
        guard let file else { return value }
        do throws(SecurityError) {
            return try SecretFile.line(file, what: "file of the secret")
        } catch {
            throw Failure(.usage, error.message)
        }
    }
}

/// What messages say.
struct TemplateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Templates to use instead of ours, by file name; see `stampede notify templates`.",
            valueName: "folder")
    )
    var templates: String?

    @Option(
        help: ArgumentHelp(
            "The clock that times in messages are told by, as in +08:00. (default: Z)", valueName: "offset"))
    var utcOffset: String?

    func load(_ settings: Settings) throws(Failure) -> Templates {
        guard let folder = try settings.string(templates, "templates") else { return Templates() }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw Failure(.usage, "--templates ‘\(folder)’ cannot be read: name a folder")
        }
        // A file with another name would never be used, which its author should hear of.
        for name in names where name.hasSuffix(".txt") && !Templates.files.contains(name) {
            throw Failure(
                .usage, "‘\(folder)/\(name)’ is no template's name: `stampede notify templates` lists them")
        }
        do throws(Template.Mistake) {
            return try Templates { name throws(Template.Mistake) in
                guard names.contains(name) else { return nil }
                guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)"),
                    let text = String(validating: data, as: UTF8.self)
                else { throw Template.Mistake(words: "the template \(name) cannot be read as UTF-8") }
                return text
            }
        } catch {
            throw Failure(.usage, error.words)
        }
    }

    func offset(_ settings: Settings) throws(Failure) -> UTCOffset {
        guard let text = try settings.string(utcOffset, "utc-offset") else { return .utc }
        guard let offset = UTCOffset(text) else {
            throw Failure(.usage, "--utc-offset is ‘\(text)’: give one such as +08:00, or Z")
        }
        return offset
    }
}
