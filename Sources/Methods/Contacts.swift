public import Sales

/// An address for mail: the part of RFC 5321 §4.1.2 that the world uses, in ASCII.
///
/// Holds nothing that could begin a line of its own or end a header: what it accepts is safe to write into a message.
public struct MailAddress: Hashable, Sendable {
    public let rawValue: String

    /// The longest address, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
    public static let maximumLength = 254

    /// Nil when this is no address: `local@domain`, without quotes, comments or letters outside of ASCII.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard text.utf8.count <= MailAddress.maximumLength, parts.count == 2, parts[0].count <= 64,
            MailAddress.isDotAtom(parts[0]), MailAddress.isDomain(parts[1])
        else { return nil }
        rawValue = text
    }

    /// `atext` of RFC 5322 §3.2.3, with dots between.
    private static func isDotAtom(_ bytes: Substring.UTF8View) -> Bool {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
        }
    }

    private static func isDomain(_ bytes: Substring.UTF8View) -> Bool {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            1...63 ~= label.count && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

/// A telephone number as E.164 writes it: a plus, then 7 to 15 digits, of which the first is not 0.
public struct PhoneNumber: Hashable, Sendable {
    public let rawValue: String

    /// The longest number, in bytes.
    public static let maximumLength = 16

    public init?(_ text: String) {
        let digits = text.utf8.dropFirst()
        guard text.utf8.first == UInt8(ascii: "+"), 7...15 ~= digits.count,
            digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            digits.first != UInt8(ascii: "0")
        else { return nil }
        rawValue = text
    }
}

// An address in a log line is an address that nobody can erase.
extension MailAddress: CustomStringConvertible {
    /// Never the address.
    public var description: String { "(mail address)" }
}

extension PhoneNumber: CustomStringConvertible {
    /// Never the number.
    public var description: String { "(phone number)" }
}

/// What a buyer is written to in.
public enum Language: String, Hashable, Sendable, CaseIterable {
    case chinese = "zh"
    case english = "en"
}

/// How a buyer of one sale is reached. Kept apart from ledger and events, so that it can be erased.
public struct Contact: Hashable, Sendable {
    public var sale: SaleID
    public var buyer: BuyerID
    /// At least one of both is there.
    public var mail: MailAddress?
    public var phone: PhoneNumber?
    public var language: Language

    public init(
        sale: SaleID, buyer: BuyerID, mail: MailAddress? = nil, phone: PhoneNumber? = nil, language: Language
    ) {
        precondition(mail != nil || phone != nil, "a contact without mail and phone reaches nobody")
        self.sale = sale
        self.buyer = buyer
        self.mail = mail
        self.phone = phone
        self.language = language
    }
}

/// Asks for the contact of a sale's buyer.
public struct GetContact: Hashable, Sendable {
    public var sale: SaleID
    public var buyer: BuyerID

    public init(sale: SaleID, buyer: BuyerID) {
        self.sale = sale
        self.buyer = buyer
    }
}

/// Forgets how a sale's buyer is reached. Done again, it does nothing.
public struct EraseContact: Hashable, Sendable {
    public var sale: SaleID
    public var buyer: BuyerID

    public init(sale: SaleID, buyer: BuyerID) {
        self.sale = sale
        self.buyer = buyer
    }
}

/// What became of an erasure: the contact is in no table any more.
public struct ErasedContact: Hashable, Sendable {
    /// There was a contact.
    public var wasKnown: Bool
    /// Messages that were being handed over at that moment, and may still arrive. None begins afterwards.
    public var underWay: Int64

    public init(wasKnown: Bool, underWay: Int64) {
        self.wasKnown = wasKnown
        self.underWay = underWay
    }
}
