import ArgumentParser
import Client
import Methods
import Sales

struct ContactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contact", abstract: "How buyers are reached: set, show and erase.",
        discussion: "Answered by `stampede notify`. Contacts are in a table of their own, and nowhere else.",
        subcommands: [ContactSet.self, ContactShow.self, ContactErase.self])
}

/// Whose contact a command is about.
struct ContactOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "The sale's number.")
    var sale: String

    @Option(parsing: .unconditional, help: "The buyer's number, above zero.")
    var buyer: String

    func parse() throws(Failure) -> (SaleID, BuyerID) { (try SaleID.parse(sale), try BuyerID.parse(buyer)) }
}

struct ContactSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Say how a sale's buyer is reached from now on.")

    @OptionGroup var whose: ContactOptions

    @Option(help: ArgumentHelp("A mail address.", valueName: "address"))
    var mail: String?

    @Option(help: ArgumentHelp("A phone number, as in +8613800138000.", valueName: "number"))
    var phone: String?

    @Option(help: ArgumentHelp("zh or en: what the buyer is written to in.", valueName: "language"))
    var language: String

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (sale, buyer) = try whose.parse()
        guard mail != nil || phone != nil else {
            throw Failure(.usage, "give --mail, --phone, or both")
        }
        // What was typed is not told back: the log of a terminal is no place for it.
        let mail = try mail.map { text throws(Failure) in
            guard let mail = MailAddress(text) else {
                throw Failure(.usage, "--mail is not an address: write it as in mei@example.com")
            }
            return mail
        }
        let phone = try phone.map { text throws(Failure) in
            guard let phone = PhoneNumber(text) else {
                throw Failure(.usage, "--phone is not a number of E.164: write it as in +8613800138000")
            }
            return phone
        }
        let contact = Contact(
            sale: sale, buyer: buyer, mail: mail, phone: phone, language: try Language.parse(language))
        let json = calling.json
        try calling.run(CallContext(sale: sale)) { client, options in
            try await client.setContact(contact, options: options)
            Terminal.result(json ? JSON.object([("set", .bool(true))]).text : "Set.")
        }
    }
}

struct ContactShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show how a sale's buyer is reached; for operators.")

    @OptionGroup var whose: ContactOptions
    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (sale, buyer) = try whose.parse()
        let json = calling.json
        try calling.run(CallContext(sale: sale, isRead: true)) { client, options in
            let contact = try await client.contact(sale: sale, buyer: buyer, options: options)
            Terminal.result(json ? contact.json.text : contact.text)
        }
    }
}

struct ContactErase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Forget how a sale's buyer is reached; nothing is sent afterwards.")

    @OptionGroup var whose: ContactOptions
    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (sale, buyer) = try whose.parse()
        let json = calling.json
        try calling.run(CallContext(sale: sale)) { client, options in
            let erased = try await client.eraseContact(sale: sale, buyer: buyer, options: options)
            let words = erased.wasKnown ? "Erased." : "There was none."
            let rest =
                erased.underWay == 0
                ? "" : " \(erased.underWay.counted("message")) being handed over may still arrive."
            Terminal.result(json ? erased.json.text : words + rest)
        }
    }
}

extension Language {
    /// Reads a language as typed.
    static func parse(_ text: String) throws(Failure) -> Language {
        guard let language = Language(rawValue: text) else {
            throw Failure(.usage, "‘\(text)’ is no language that we write in: choose zh or en")
        }
        return language
    }
}

extension Contact {
    fileprivate var json: JSON {
        .object([
            ("sale", .integer(sale.rawValue)), ("buyer", .integer(buyer.rawValue)),
            ("mail", .string(mail?.rawValue)), ("phone", .string(phone?.rawValue)),
            ("language", .string(language.rawValue)),
        ])
    }

    fileprivate var text: String {
        [mail?.rawValue, phone?.rawValue, language.rawValue].compactMap { $0 }.joined(separator: "\n")
    }
}

extension ErasedContact {
    fileprivate var json: JSON {
        .object([("known", .bool(wasKnown)), ("under_way", .integer(underWay))])
    }
}
