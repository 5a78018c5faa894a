import ArgumentParser
import Glibc
import Methods
import Notifications
import Notifier
import Sales
import Wire

struct NotifyTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send one message with made-up numbers, to see that it arrives.")

    @Option(
        help: ArgumentHelp("A mail address or a phone number such as +8613800138000.", valueName: "address"))
    var to: String

    @Option(help: ArgumentHelp("zh or en. (default: en)", valueName: "language"))
    var language: String?

    @Option(
        help: ArgumentHelp(
            "placed, offered, paid, expired, cancelled or refunded. (default: placed)", valueName: "occasion")
    )
    var occasion: String?

    @OptionGroup(title: "Ways out") var carrier: CarrierOptions
    @OptionGroup(title: "Words") var words: TemplateOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let (mail, phone) = (MailAddress(to), PhoneNumber(to))
        guard mail != nil || phone != nil else {
            throw Failure(.usage, "--to is neither a mail address nor a number such as +8613800138000")
        }
        let language = try Language.parse(self.language ?? "en")
        guard let occasion = Occasion(rawValue: occasion ?? "placed") else {
            let all = Occasion.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(.usage, "‘\(occasion ?? "")’ is no occasion: choose one of \(all)")
        }
        let channel = mail == nil ? Channel.sms : .mail
        guard let makeCarrier = try carrier.carriers(settings)[channel] else {
            throw Failure(
                .usage, "--to needs a way to send: give \(channel == .mail ? "--smtp" : "--sms-url")")
        }
        let now = CivilTime.now()
        let contact = Contact(
            sale: SaleID(rawValue: 1), buyer: BuyerID(rawValue: 1), mail: mail, phone: phone,
            language: language)
        let event = OrderEvent(
            id: "test-\(now.microseconds)", occasion: occasion, time: now, sale: contact.sale,
            buyer: contact.buyer, order: "0-1", units: 1,
            until: CivilTime(microseconds: now.microseconds + 900_000_000), reason: "a test")
        let (templates, offset) = (try words.load(settings), try words.offset(settings))
        let message: Templates.Message
        do throws(Template.Mistake) {
            message = try templates.message(for: event, language, channel, offset: offset)
        } catch {
            throw Failure(.refused, "the template cannot be filled in: \(error.words)")
        }
        let letter = Letter(
            contact: contact, message: message, key: "\(event.id).\(channel.rawValue)", event: event)
        switch makeCarrier().deliver(letter) {
        case .taken(let reference): Terminal.result("Sent\(reference.map { ", as \($0)" } ?? "").")
        case .unknown(let reason): throw Failure(.unknown, "it may or may not have been sent: \(reason)")
        case .busy(let reason, _), .refusedForNow(let reason), .unreachable(let reason), .refused(let reason):
            throw Failure(.refused, "not sent: \(reason)")
        }
    }
}

extension CivilTime {
    /// By this machine's clock.
    fileprivate static func now() -> CivilTime {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return CivilTime(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000)
    }
}
